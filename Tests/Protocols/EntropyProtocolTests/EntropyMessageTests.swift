// SPDX-License-Identifier: Apache-2.0

import EntropyProtocol
import EntropyTerms
import PlaneTestSupport
import TestSupport
import Testing

@Suite(
    "Requests of MEP/1: round trips, every value of each header byte, lengths, random bytes")
struct EntropyRequestTests {
    private let valid = EntropyRequest.read(32, grade: .full, tag: 0x0102_0304_0506_0708).bytes

    @Test("survive the way over the wire", arguments: Grade.allCases, [1, 2, 65_536, 1_048_576])
    func roundTrip(grade: Grade, length: UInt32) {
        for flags in [EntropyRequest.Flags.nonBlocking, []] {
            let request = EntropyRequest.read(length, grade: grade, flags: flags, tag: .max - 1)
            #expect(request.bytes.count == EntropyRequest.byteCount)
            #expect(EntropyRequest(request.bytes) == request)
        }
        #expect(EntropyRequest(EntropyRequest.info(tag: 5).bytes) == .info(tag: 5))
    }

    @Test("have a length of 1 to 1,048,576 when bytes are read, and none for information")
    func lengths() {
        let lengths: [UInt32] = [0, 1, 2, 1_048_575, 1_048_576, 1_048_577, 1 << 31, .max - 1, .max]
        for length in lengths {
            let isReadable = (1...1_048_576).contains(length)
            #expect((EntropyRequest(with(length, in: valid)) != nil) == isReadable)
            let info = with(length, in: EntropyRequest.info().bytes)
            #expect((EntropyRequest(info) != nil) == (length == 0))
        }
    }

    @Test("are known by every byte of their header", arguments: 0...3)
    func headerBytes(position: Int) {
        // For each byte: which values make a request, beside those that the length excludes.
        let accepted: [Set<UInt8>] = [[1], [1, 4], [0, 1, 2], [0, 1, 2, 3]]
        for value in UInt8.min ... .max {
            var bytes = valid
            bytes[position] = value
            #expect((EntropyRequest(bytes) != nil) == accepted[position].contains(value))
        }
    }

    @Test("have a tag even when they are not valid")
    func tags() {
        var bytes = valid
        bytes[0] = 99
        #expect(bytes.withUnsafeBytes { EntropyRequest.tag(in: $0) } == 0x0102_0304_0506_0708)
    }

    @Test("are what was sent whenever random bytes happen to be one")
    func randomBytes() {
        var generator = TestGenerator(seed: 3)
        var found = 0
        for _ in 0..<200_000 {
            // Small first bytes and a short length, or hardly any would be valid.
            var bytes = generator.bytes(EntropyRequest.byteCount)
            for index in 0..<4 { bytes[index] &= 3 }
            bytes[7] = 0
            bytes[6] &= 31
            guard let request = EntropyRequest(bytes) else { continue }
            found += 1
            #expect(request.bytes == bytes)
        }
        #expect(found > 100)
    }

    private func with(_ length: UInt32, in bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for index in 0..<4 { bytes[4 + index] = UInt8(truncatingIfNeeded: length >> (8 * index)) }
        return bytes
    }
}

@Suite(
    "Replies of MEP/1: round trips, every value of each header byte, lengths, random bytes")
struct EntropyReplyTests {
    private let valid = EntropyReply(
        status: .ok, provenance: .hardware, grade: .full, length: 0, tag: 7, healthEpoch: 1)

    @Test(
        "survive the way over the wire", arguments: EntropyReply.Status.allCases,
        Provenance.allCases)
    func roundTrip(status: EntropyReply.Status, provenance: Provenance) {
        for grade in Grade.allCases {
            let reply = EntropyReply(
                status: status, provenance: provenance, grade: grade,
                length: status == .ok ? 1_048_576 : 0, tag: .max, healthEpoch: .max)
            #expect(EntropyReply(reply.bytes) == reply)
        }
    }

    @Test("hold at most 1,048,576 bytes, and none unless all is well")
    func lengths() {
        for length in [0, 1, 1_048_576, 1_048_577, .max] as [UInt32] {
            for status in EntropyReply.Status.allCases {
                let reply = EntropyReply(
                    status: status, provenance: .host, grade: .raw, length: length, tag: 0,
                    healthEpoch: 0)
                let isValid = length == 0 || status == .ok && length <= 1_048_576
                #expect((EntropyReply(reply.bytes) != nil) == isValid)
            }
        }
    }

    @Test("are known by every byte of their header", arguments: 0...3)
    func headerBytes(position: Int) {
        let accepted: [Range<UInt8>] = [1..<2, 0..<6, 0..<4, 0..<3]
        for value in UInt8.min ... .max {
            var bytes = valid.bytes
            bytes[position] = value
            #expect((EntropyReply(bytes) != nil) == accepted[position].contains(value))
        }
    }

    @Test("are written with the reserved bytes zero")
    func reserved() {
        #expect(valid.bytes[20...].allSatisfy { $0 == 0 })
    }

    @Test("are what was sent whenever random bytes happen to be one")
    func randomBytes() {
        var generator = TestGenerator(seed: 4)
        var found = 0
        for _ in 0..<200_000 {
            var bytes = generator.bytes(EntropyReply.byteCount)
            for index in 0..<4 { bytes[index] &= 3 }
            bytes.replaceSubrange(6..<8, with: [0, 0])
            bytes.replaceSubrange(20..., with: [0, 0, 0, 0])
            guard let reply = EntropyReply(bytes) else { continue }
            found += 1
            #expect(reply.bytes == bytes)
        }
        #expect(found > 100)
    }
}

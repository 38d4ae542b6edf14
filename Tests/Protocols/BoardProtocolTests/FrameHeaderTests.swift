// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import FoundationEssentials
import TestMaterials
import TestSupport
import Testing

@Suite(
    "Frame header: the golden frame both ways; versions, flags and sizes that are refused; every bit is under the checksum"
)
struct FrameHeaderTests {
    /// What Sources/Protocols/Vectors/meb1-frame.hex holds.
    private static let golden = FrameHeader(
        flags: [.toggleEncoded, .overflowBefore], wordsPerShot: 2, sequence: 0x0102_0304, shots: 3,
        firstShot: 0x1122_3344_5566_7788, temperature: -550, lanesMasked: 5,
        droppedBefore: 0x99_aabb)
    private static let goldenPayload = (0..<48).map { UInt8(truncatingIfNeeded: $0 * 37 + 11) }

    private static func goldenBytes() throws -> [UInt8] {
        let text = String(decoding: try goldenVectors("meb1-frame.hex"), as: UTF8.self)
        return text.split(separator: "\n").filter { !$0.hasPrefix("#") }
            .flatMap { $0.split(separator: " ").compactMap { UInt8($0, radix: 16) } }
    }

    private static func parse(_ bytes: [UInt8]) throws(FrameHeader.Defect) -> FrameHeader {
        let result = bytes.withUnsafeBytes { bytes in
            Result { () throws(FrameHeader.Defect) in try FrameHeader(parsing: bytes) }
        }
        return try result.get()
    }

    @Test("the golden frame is written byte for byte")
    func writesGolden() throws {
        let bytes = try Self.goldenBytes()
        #expect(bytes.count == 88)
        #expect(frameBytes(Self.golden, payload: Self.goldenPayload) == bytes)
    }

    @Test("the golden frame is read field for field, and its checksum holds")
    func readsGolden() throws {
        let bytes = try Self.goldenBytes()
        #expect(try Self.parse(bytes) == Self.golden)
        #expect(bytes.withUnsafeBytes { FrameHeader.checksumHolds(for: $0) })
    }

    @Test("any header that was written is read again")
    func roundTrip() throws {
        var random = SeededGenerator(30)
        for _ in 0..<500 {
            let words = UInt16.random(in: 1...64, using: &random)
            let header = FrameHeader(
                flags: FrameHeader.Flags(rawValue: .random(in: 0...15, using: &random)),
                wordsPerShot: words, sequence: .random(in: 0 ... .max, using: &random),
                shots: .random(in: 1...20, using: &random), firstShot: random.next(),
                temperature: .random(in: .min ... .max, using: &random),
                lanesMasked: .random(in: 0 ... .max, using: &random),
                droppedBefore: .random(in: 0 ... .max, using: &random))
            let bytes = frameBytes(header)
            #expect(try Self.parse(bytes) == header)
            #expect(bytes.withUnsafeBytes { FrameHeader.checksumHolds(for: $0) })
        }
    }

    @Test("a change of any bit of a frame breaks its checksum")
    func bitFlips() throws {
        var bytes = try Self.goldenBytes()
        for bit in 0..<bytes.count * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8)
            #expect(!bytes.withUnsafeBytes { FrameHeader.checksumHolds(for: $0) }, "bit \(bit)")
            bytes[bit / 8] ^= 1 << (bit % 8)
        }
    }

    @Test("a damaged magic, another version and unknown flags are told apart")
    func defects() throws {
        let bytes = try Self.goldenBytes()
        for index in 0..<4 {
            var changed = bytes
            changed[index] ^= 0x20
            #expect(throws: FrameHeader.Defect.magic) { try Self.parse(changed) }
        }
        for version: UInt8 in [0, 2, 255] {
            var changed = bytes
            changed[4] = version
            #expect(throws: FrameHeader.Defect.version(version)) { try Self.parse(changed) }
        }
        for flags: UInt8 in [0x10, 0x20, 0x40, 0x80, 0x12, 0xff] {
            var changed = bytes
            changed[5] = flags
            #expect(throws: FrameHeader.Defect.flags(flags)) { try Self.parse(changed) }
        }
    }

    struct Size: Sendable {
        let words: UInt16
        let shots: UInt32
        let payload: UInt32
    }

    private static func parse(_ size: Size) throws(FrameHeader.Defect) -> FrameHeader {
        var bytes = frameBytes(frameHeader(0))
        bytes.withUnsafeMutableBytes {
            $0.storeBytes(of: size.words.littleEndian, toByteOffset: 6, as: UInt16.self)
            $0.storeBytes(of: size.shots.littleEndian, toByteOffset: 12, as: UInt32.self)
            $0.storeBytes(of: size.payload.littleEndian, toByteOffset: 32, as: UInt32.self)
        }
        return try parse(bytes)
    }

    @Test(
        "sizes that contradict one another, overflow, are zero or over the limit are refused",
        arguments: [
            Size(words: 2, shots: 3, payload: 47), Size(words: 2, shots: 3, payload: 49),
            Size(words: 2, shots: 3, payload: 0), Size(words: 0, shots: 3, payload: 0),
            Size(words: 2, shots: 0, payload: 0), Size(words: 0, shots: 0, payload: 0),
            Size(words: 0, shots: 3, payload: 48), Size(words: 2, shots: .max, payload: .max),
            // 2^32 + 48 and 2^35 bytes, cut to 32 bits.
            Size(words: 2, shots: 0x1000_0003, payload: 48),
            Size(words: 0x8000, shots: 0x2_0000, payload: 0),
            Size(words: .max, shots: .max, payload: 0xfff8_0008),
            Size(words: 1, shots: 0x2_0001, payload: 0x10_0008),
        ])
    func sizes(size: Size) {
        #expect(throws: FrameHeader.Defect.size) { try Self.parse(size) }
    }

    @Test("a payload of exactly the limit is accepted")
    func limit() throws {
        let size = Size(words: 1, shots: 0x2_0000, payload: 0x10_0000)
        #expect(try Self.parse(size).payloadCount == FrameHeader.payloadLimit)
    }
}

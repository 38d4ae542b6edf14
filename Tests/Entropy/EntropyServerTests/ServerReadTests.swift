// SPDX-License-Identifier: Apache-2.0

import EntropyProtocol
import EntropyRing
import EntropyServer
import EntropyTerms
import PlaneTestSupport
import Synchronization
import TestSupport
import Testing

@Suite(
    "Reading from the server: exact bytes of every length, pipelining, NONBLOCK, waiting, INFO, wiping"
)
struct ServerReadTests {
    @Test("gives exactly the bytes of the source, for every length of request")
    func lengths() throws {
        let lengths: [UInt32] = [1, 15, 16, 17, 32, 4095, 65_535, 65_536, 65_537, 1_048_576, 3]
        var received: [UInt8] = []
        try ServerRig.run { rig in
            let client = try rig.connect()
            try rig.filling {
                for (index, length) in lengths.enumerated() {
                    let request = EntropyRequest.read(
                        length, grade: .full, tag: UInt64(index) << 40 + 1)
                    let reply = try #require(try client.ask(request))
                    #expect(
                        reply.header
                            == EntropyReply(
                                status: .ok, provenance: .hardware, grade: .full, length: length,
                                tag: request.tag, healthEpoch: 0))
                    received += reply.bytes
                }
            }
            let ring = rig.source.full
            let total = Int(lengths.reduce(0, +))
            #expect(eventually { ring.delivered.load(ordering: .relaxed) == total })
        }
        let isExpected = TaggedStream.bytes(count: (received.count + 15) & ~15)
            .starts(with: received)
        #expect(isExpected)
        #expect(received.count == Int(lengths.reduce(0, +)))
    }

    @Test("gives the grade that was asked for, and says where it comes from")
    func grades() throws {
        let (raw, full) = (TaggedStream.bytes(count: 64), TaggedStream.bytes(from: 99, count: 64))
        try ServerRig.run(.init(provenances: [.replay])) { rig in
            rig.source.healthEpoch.store(12, ordering: .relaxed)
            rig.source.put(raw, .raw)
            rig.source.put(full, .full)
            let client = try rig.connect()
            for (grade, bytes) in [(Grade.full, full), (.raw, raw)] {
                let reply = try #require(try client.ask(.read(64, grade: grade)))
                #expect(reply.header.grade == grade)
                #expect(reply.header.provenance == .replay)
                #expect(reply.header.healthEpoch == 12)
                #expect(reply.bytes == bytes)
            }
        }
    }

    @Test("answers pipelined requests in order, each with its tag")
    func pipelined() throws {
        let lengths = (0..<200).map { UInt32(1 + $0 * 37 % 1000) }
        try ServerRig.run { rig in
            let client = try rig.connect()
            let requests = lengths.enumerated().map { index, length in
                index.isMultiple(of: 10)
                    ? EntropyRequest.info(tag: UInt64(index))
                    : EntropyRequest.read(length, grade: .full, tag: UInt64(index))
            }
            var received: [UInt8] = []
            try rig.filling {
                try client.send(requests.flatMap(\.bytes))
                for request in requests {
                    let reply = try #require(try client.receiveReply())
                    #expect(reply.header.tag == request.tag)
                    #expect(reply.header.status == .ok)
                    if request.operation == .info {
                        #expect(reply.bytes == Array("{}".utf8))
                    } else {
                        #expect(reply.header.length == request.length)
                        received += reply.bytes
                    }
                }
            }
            let expected = TaggedStream.bytes(count: (received.count + 15) & ~15)
            let isExpected = expected.starts(with: received)
            #expect(isExpected)
        }
    }

    @Test("understands a request that comes byte by byte")
    func byteByByte() throws {
        try ServerRig.run { rig in
            rig.source.put(TaggedStream.bytes(count: 64))
            let client = try rig.connect()
            for start in [0, 32] as [UInt64] {
                for byte in EntropyRequest.read(32, grade: .full, tag: start).bytes {
                    try client.send([byte])
                }
                let reply = try #require(try client.receiveReply())
                #expect(reply.header.tag == start)
                #expect(reply.bytes == TaggedStream.bytes(from: start / 16, count: 32))
            }
        }
    }

    @Test(
        "understands requests that are cut anywhere", arguments: [1, 5, 16, 17, 33, 255, 256, 257])
    func cutAnywhere(piece: Int) throws {
        try ServerRig.run { rig in
            let client = try rig.connect()
            let bytes = (0..<40).flatMap { EntropyRequest.read(8, grade: .full, tag: $0).bytes }
            try rig.filling {
                for start in stride(from: 0, to: bytes.count, by: piece) {
                    try client.send(Array(bytes[start..<min(start + piece, bytes.count)]))
                }
                for tag in 0..<40 as Range<UInt64> {
                    #expect(try client.receiveReply()?.header.tag == tag)
                }
            }
        }
    }

    @Test("gives exactly the bytes of the source when they can be sent in small parts only")
    func sendsInPart() throws {
        try ServerRig.run { rig in
            let client = try rig.connect()
            _ = try client.ask(.info())
            #expect(ServerSockets(path: rig.path).count == 1)
            ServerSockets(path: rig.path).shrinkSendBuffers()
            try rig.filling {
                var received: [UInt8] = []
                for length in [1, 100_003, 300_000] as [UInt32] {
                    received += try #require(try client.ask(.read(length, grade: .full))).bytes
                }
                let expected = TaggedStream.bytes(count: (received.count + 15) & ~15)
                let isExpected = expected.starts(with: received)
                #expect(isExpected && received.count == 400_004)
            }
        }
    }

    @Test("does not wait when it is asked not to, unless there is enough at once")
    func nonBlocking() throws {
        try ServerRig.run { rig in
            rig.source.put(TaggedStream.bytes(count: 96))
            let client = try rig.connect()
            func ask(_ length: UInt32, _ grade: Grade) throws -> EntropyReply? {
                try client.ask(.read(length, grade: grade, flags: .nonBlocking, tag: 3))?.header
            }
            #expect(try ask(97, .full)?.status == .unavailable)
            #expect(try ask(1, .raw)?.status == .unavailable)
            #expect(try ask(96, .full)?.status == .ok)
            let empty = try ask(1, .full)
            #expect(empty?.status == .unavailable)
            #expect(empty?.length == 0 && empty?.tag == 3)
        }
    }

    @Test("lets a client wait until there are bytes, and gives them as they come")
    func waits() throws {
        try ServerRig.run { rig in
            let client = try rig.connect()
            try client.send(.read(64, grade: .full))
            linger()
            #expect(!client.hasInput)
            rig.source.put(TaggedStream.bytes(count: 32))
            let first = try client.receive(24 + 32)
            #expect(Array(first[24...]) == TaggedStream.bytes(count: 32))
            linger()
            #expect(!client.hasInput)
            rig.source.put(TaggedStream.bytes(from: 2, count: 32))
            #expect(try client.receive(32) == TaggedStream.bytes(from: 2, count: 32))
        }
    }

    @Test("answers a client that will send no more, and then closes")
    func halfClosed() throws {
        try ServerRig.run { rig in
            let client = try rig.connect()
            try client.send(.read(32, grade: .full), .read(32, grade: .full))
            client.finishSending()
            linger()
            rig.source.put(TaggedStream.bytes(count: 64))
            #expect(try client.receiveReply()?.bytes == TaggedStream.bytes(count: 32))
            #expect(try client.receiveReply()?.bytes == TaggedStream.bytes(from: 2, count: 32))
            #expect(try client.isEnded())
        }
    }

    @Test("tells about itself, as the daemon says it, each time it is asked")
    func info() throws {
        let calls = Tally()
        let info: @Sendable () -> [UInt8] = {
            calls.add(1)
            return Array("{\"call\":\(calls.value)}".utf8)
        }
        try ServerRig.run(.init(isOpen: false, info: info)) { rig in
            let client = try rig.connect()
            for call in 1...3 {
                let reply = try #require(try client.ask(.info(tag: UInt64(call))))
                #expect(reply.header.status == .ok && reply.header.tag == UInt64(call))
                #expect(reply.bytes == Array("{\"call\":\(call)}".utf8))
            }
        }
    }

    @Test("leaves nothing of what it delivered in the ring")
    func wipes() throws {
        try ServerRig.run { rig in
            let ring = rig.source.full
            rig.source.put(TaggedStream.bytes(count: ring.capacity))
            let client = try rig.connect()
            _ = try client.ask(.read(UInt32(ring.capacity), grade: .full))
            #expect(eventually { ring.free == ring.capacity })
            #expect(ring.writableSpan().allSatisfy { $0 == 0 })
        }
    }
}

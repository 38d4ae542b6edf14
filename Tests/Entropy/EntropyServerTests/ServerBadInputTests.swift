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
    "Bad input to the server: refused requests, random bytes, truncated requests, silent clients")
struct ServerBadInputTests {
    /// A request that is refused.
    struct Bad: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let bytes: [UInt8]
    }

    private static let bad = [
        Bad(testDescription: "length 0", bytes: request(length: 0)),
        Bad(testDescription: "a byte too much", bytes: request(length: 1_048_577)),
        Bad(testDescription: "length 2^32 - 1", bytes: request(length: .max)),
        Bad(testDescription: "attach", bytes: request(operation: 2, length: 65_536)),
        Bad(testDescription: "another operation", bytes: request(operation: 77, length: 32)),
        Bad(testDescription: "grade expand", bytes: request(grade: 2, length: 32)),
        Bad(testDescription: "another grade", bytes: request(grade: 3, length: 32)),
        Bad(testDescription: "another version", bytes: request(version: 2, length: 32)),
        Bad(testDescription: "an unknown flag", bytes: request(flags: 4, length: 32)),
        Bad(testDescription: "information with a length", bytes: request(operation: 3, length: 1)),
    ]

    @Test("gets the status bad request and the tag, and the connection is closed", arguments: bad)
    func refused(bad: Bad) throws {
        try ServerRig.run { rig in
            rig.source.put(TaggedStream.bytes(count: 1024))
            let client = try rig.connect()
            try client.send(bad.bytes + EntropyRequest.read(32, grade: .full).bytes)
            let reply = try #require(try client.receiveReply())
            #expect(reply.header.status == .badRequest)
            #expect(reply.header.tag == 0x1122_3344_5566_7788)
            #expect(reply.header.length == 0)
            #expect(try client.isEnded(), "nothing more comes, not even for a good request")
            try expectIsServing(rig)
        }
    }

    @Test("is refused after the good requests before it were answered")
    func afterGoodOnes() throws {
        try ServerRig.run { rig in
            rig.source.put(TaggedStream.bytes(count: 64))
            let client = try rig.connect()
            let good = EntropyRequest.read(32, grade: .full, tag: 1).bytes
            try client.send(good + Self.request(length: 0) + good)
            #expect(try client.receiveReply()?.bytes == TaggedStream.bytes(count: 32))
            #expect(try client.receiveReply()?.header.status == .badRequest)
            #expect(try client.isEnded())
            #expect(rig.source.full.available == 32)
        }
    }

    @Test(
        "of random bytes ends with a refusal and hurts nobody", arguments: 0..<20 as Range<UInt64>)
    func randomBytes(seed: UInt64) throws {
        try ServerRig.run { rig in
            rig.source.put(TaggedStream.bytes(count: 1024))
            var generator = TestGenerator(seed: seed)
            let client = try rig.connect()
            let count = Int.random(in: 16...100_000, using: &generator)
            // The first byte is no version, so that no random bytes are a request.
            try client.send([0] + generator.bytes(count))
            #expect(try client.receiveReply()?.header.status == .badRequest)
            #expect(try client.isEnded())
            try expectIsServing(rig)
        }
    }

    @Test("that is no whole request is forgotten with the connection", arguments: [0, 1, 8, 15])
    func truncated(count: Int) throws {
        try ServerRig.run { rig in
            let client = try rig.connect()
            try client.send(Array(EntropyRequest.read(32, grade: .full).bytes.prefix(count)))
            #expect(eventually { rig.server.clients.count == 1 })
            client.finishSending()
            #expect(try client.isEnded())
            #expect(eventually { rig.server.clients.count == 0 })
            rig.source.put(TaggedStream.bytes(count: 1024))
            try expectIsServing(rig)
        }
    }

    @Test("or none at all from a client keeps nobody else waiting")
    func silent() throws {
        try ServerRig.run { rig in
            rig.source.put(TaggedStream.bytes(count: 1024))
            let silent = try (0..<20).map { _ in try rig.connect() }
            try expectIsServing(rig)
            #expect(silent.allSatisfy { !$0.hasInput })
        }
    }

    private static func request(
        version: UInt8 = 1, operation: UInt8 = 1, grade: UInt8 = 1, flags: UInt8 = 0,
        length: UInt32
    ) -> [UInt8] {
        [version, operation, grade, flags]
            + (0..<4).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
            + [0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11]
    }

    /// Reads 32 bytes as a client that does everything right. The ring has to hold so many.
    private func expectIsServing(_ rig: ServerRig) throws {
        let reply = try #require(try rig.connect().ask(.read(32, grade: .full, tag: 5)))
        #expect(reply.header.status == .ok && reply.header.tag == 5)
        #expect(TaggedStream.numbers(in: reply.bytes).count == 2)
    }
}

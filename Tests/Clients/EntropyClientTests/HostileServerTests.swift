// SPDX-License-Identifier: Apache-2.0

import EntropyClient
import EntropyProtocol
import EntropyTerms
import PlaneTestSupport
import TestSupport
import Testing

@Suite(
    "A client of a server that does everything wrong: wrong, cut and random answers")
struct HostileServerTests {
    /// What a server answers to the request for 32 bytes with tag 1, and what the client makes of it.
    struct Answer: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let bytes: [UInt8]
        let error: EntropyError
    }

    private static let invalid = EntropyError.protocolViolation(
        "the reply has an invalid header")
    private static let another = EntropyError.protocolViolation(
        "the reply belongs to another request")
    private static let notAsked = EntropyError.protocolViolation(
        "the reply does not match the request")

    private static let answers = [
        Answer(testDescription: "nothing", bytes: [], error: .disconnected),
        Answer(testDescription: "zeros", bytes: [UInt8](repeating: 0, count: 99), error: invalid),
        Answer(
            testDescription: "text", bytes: Array("HTTP/1.1 200 OK\r\n\r\n01234".utf8),
            error: invalid),
        Answer(testDescription: "another version", bytes: changed(0, to: 2), error: invalid),
        Answer(testDescription: "an unknown status", bytes: changed(1, to: 6), error: invalid),
        Answer(testDescription: "an unknown provenance", bytes: changed(2, to: 4), error: invalid),
        Answer(testDescription: "an unknown grade", bytes: changed(3, to: 3), error: invalid),
        Answer(testDescription: "a length of 4 GiB", bytes: changed(7, to: 0xFF), error: invalid),
        Answer(testDescription: "another tag", bytes: changed(8, to: 2), error: another),
        Answer(testDescription: "another grade", bytes: changed(3, to: 0), error: notAsked),
        Answer(testDescription: "a byte less", bytes: changed(4, to: 31), error: notAsked),
        Answer(testDescription: "a byte more", bytes: changed(4, to: 33), error: notAsked),
        Answer(testDescription: "no bytes", bytes: changed(4, to: 0), error: notAsked),
        Answer(testDescription: "a mebibyte", bytes: reply(length: 1_048_576), error: notAsked),
        Answer(testDescription: "a refusal with bytes", bytes: changed(1, to: 1), error: invalid),
        Answer(
            testDescription: "a refusal of another request", bytes: refusal(.unavailable, tag: 2),
            error: another),
        Answer(
            testDescription: "unavailable", bytes: refusal(.unavailable, tag: 1),
            error: .unavailable),
        Answer(testDescription: "denied", bytes: refusal(.denied, tag: 1), error: .denied),
        Answer(
            testDescription: "bad request", bytes: refusal(.badRequest, tag: 1), error: .notOffered),
        Answer(
            testDescription: "over quota", bytes: refusal(.overQuota, tag: 0), error: .overQuota),
        Answer(
            testDescription: "shutting down", bytes: refusal(.shuttingDown, tag: 1),
            error: .shuttingDown),
    ]

    @Test("says what is wrong, and does not use the connection again", arguments: answers)
    func wrong(answer: Answer) throws {
        try FakeServer.run(answers: [answer.bytes]) { path in
            let connection = try EntropyConnection(path: path, reconnectSeconds: 0)
            #expect(throws: answer.error) { try connection.read(count: 32) }
            #expect(throws: EntropyError.disconnected) { try connection.read(count: 32) }
            #expect(connection.origin == nil)
        }
    }

    @Test("is told of the end when the server closes at any byte of its answer", arguments: 0..<56)
    func closes(after count: Int) throws {
        let whole = Self.reply(length: 32) + [UInt8](repeating: 7, count: 32)
        try FakeServer.run(answers: [Array(whole.prefix(count))]) { path in
            let connection = try EntropyConnection(path: path, reconnectSeconds: 0)
            #expect(throws: EntropyError.disconnected) { try connection.read(count: 32) }
        }
    }

    @Test("takes a right answer after all that")
    func right() throws {
        let answer = Self.reply(length: 32) + [UInt8](7..<39)
        try FakeServer.run(answers: [answer]) { path in
            let connection = try EntropyConnection(path: path, reconnectSeconds: 0)
            #expect(try connection.read(count: 32) == [UInt8](7..<39))
        }
    }

    @Test("hears the last word of a server that closed before it was asked")
    func lastWord() throws {
        let word = Self.refusal(.overQuota, tag: 0)
        let server = try FakeServer(unasked: word, answers: [])
        let connection = try EntropyConnection(path: server.path, reconnectSeconds: 0)
        server.finish()
        #expect(throws: EntropyError.overQuota) { try connection.read(count: 32) }
    }

    @Test("survives random bytes", arguments: 0..<50 as Range<UInt64>)
    func randomBytes(seed: UInt64) throws {
        var generator = TestGenerator(seed: seed)
        // Beginning as an answer does, or hardly any would get far.
        var bytes = generator.bytes(Int.random(in: 0...200, using: &generator))
        for index in bytes.indices.prefix(4) { bytes[index] &= 3 }
        if seed.isMultiple(of: 2), !bytes.isEmpty { bytes[0] = 1 }
        try FakeServer.run(answers: [bytes]) { path in
            let connection = try EntropyConnection(
                path: path, allowsSimulated: true, reconnectSeconds: 0)
            #expect(throws: EntropyError.self) { try connection.read(count: 32) }
        }
        try FakeServer.run(answers: [bytes]) { path in
            let connection = try EntropyConnection(path: path, reconnectSeconds: 0)
            #expect(throws: EntropyError.self) { try connection.information() }
        }
    }

    @Test("survives information that is no text, or cut")
    func information() throws {
        let header = Self.reply(length: 4)
        try FakeServer.run(answers: [header + [0xFF, 0xC0, 0x00, 0x41]]) { path in
            let connection = try EntropyConnection(path: path, reconnectSeconds: 0)
            #expect(try connection.information().hasSuffix("\0A"))
        }
        try FakeServer.run(answers: [header + [0x7B]]) { path in
            let connection = try EntropyConnection(path: path, reconnectSeconds: 0)
            #expect(throws: EntropyError.disconnected) { try connection.information() }
        }
    }

    private static func reply(length: UInt32) -> [UInt8] {
        EntropyReply(
            status: .ok, provenance: .hardware, grade: .full, length: length, tag: 1, healthEpoch: 0
        ).bytes
    }

    private static func refusal(_ status: EntropyReply.Status, tag: UInt64) -> [UInt8] {
        EntropyReply(
            status: status, provenance: .hardware, grade: .full, length: 0, tag: tag, healthEpoch: 0
        ).bytes
    }

    /// A right answer with one byte changed.
    private static func changed(_ index: Int, to value: UInt8) -> [UInt8] {
        var bytes = reply(length: 32) + [UInt8](repeating: 7, count: 32)
        bytes[index] = value
        return bytes
    }
}

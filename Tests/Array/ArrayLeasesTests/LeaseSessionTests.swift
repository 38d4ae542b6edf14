// SPDX-License-Identifier: Apache-2.0

import ArrayLeases
import BoardProtocol
import FoundationEssentials
import LeaseProtocol
import TestSupport
import Testing

@Suite("MEL/1: the vectors of Sources/Protocols/Vectors/mel1.json, pipelines in pieces, limits, ends")
struct LeaseSessionTests {
    private let vectors: Vectors

    init() throws { vectors = try JSONDecoder().decode(Vectors.self, from: Data(try goldenVectors("mel1.json"))) }

    @Test(
        "requests are read and written as the vectors say, in whatever pieces they come", arguments: [1, 3, 16, 1_000])
    func requests(piece: Int) throws {
        #expect(vectors.requests.count == 7)
        var stream: [UInt8] = []
        var expected: [LeaseCommand] = []
        for vector in vectors.requests {
            let bytes = try bytes(fromHex: vector.hex)
            let command = try vector.command()
            #expect(command.bytes(tag: try #require(UInt64(vector.tag, radix: 16))) == bytes, "\(vector.name)")
            stream += bytes
            expected.append(command)
        }
        var session = LeaseSession(lanes: vectors.lanes)
        var commands: [LeaseCommand] = []
        for start in Swift.stride(from: 0, to: stream.count, by: piece) {
            commands += session.received(stream[start..<min(start + piece, stream.count)])
        }
        #expect(commands == expected)
        for vector in vectors.requests {
            session.answer(.done(states: []))
            let reply = try #require(LeaseHeader(parsing: session.outbox.suffix(16)))
            #expect(String(reply.tag, radix: 16) == String(UInt64(vector.tag, radix: 16) ?? 0, radix: 16))
        }
    }

    @Test("trims are read and written as the vector says")
    func trims() throws {
        let vector = vectors.trims
        let bytes = try bytes(fromHex: vector.hex)
        #expect(LeaseCommand.trim(vector.trims).bytes(tag: 6) == bytes)
        var session = LeaseSession(lanes: vector.lanes)
        #expect(session.received(bytes) == [.trim(vector.trims)])
    }

    @Test("what is no request ends the session, once all before it are answered")
    func invalid() throws {
        #expect(vectors.invalid.count == 8)
        for vector in vectors.invalid {
            var session = LeaseSession(lanes: vectors.lanes)
            let before = LeaseCommand.read.bytes(tag: 77)
            let commands = session.received(before + (try bytes(fromHex: vector.hex)) + before)
            #expect(commands == [.read], "\(vector.name)")
            #expect(!session.isOver && !session.wantsInput, "\(vector.name)")
            session.answer(.outOfRange)
            #expect(session.isOver, "\(vector.name)")
            let tag = try #require(UInt64(vector.tag, radix: 16))
            #expect(
                session.outbox == LeaseReply(.outOfRange, tag: 77).bytes + LeaseReply(.badRequest, tag: tag).bytes,
                "\(vector.name)")
        }
    }

    @Test("replies are written as the vectors say")
    func replies() throws {
        #expect(vectors.replies.count == 8)
        for vector in vectors.replies {
            let status = try #require(LeaseReply.Status.allCases.first { "\($0)" == vector.status })
            let states = try vector.states.map { try #require(UInt64($0, radix: 16)) }
            let tag = try #require(UInt64(vector.tag, radix: 16))
            #expect(LeaseReply(status, states: states, tag: tag).bytes == (try bytes(fromHex: vector.hex)))
        }
    }

    @Test("a client that does not wait for answers is listened to for 64 requests, and then after each answer")
    func unanswered() {
        var session = LeaseSession(lanes: 64)
        let many = (0..<100).flatMap { LeaseCommand.read.bytes(tag: $0) }
        #expect(session.received(many).count == LeaseLimits.unanswered)
        #expect(!session.wantsInput)
        #expect(session.resume().isEmpty)
        for _ in 0..<10 { session.answer(.done(states: [5])) }
        #expect(session.resume().count == 10)
    }

    @Test("the end of the lease is told in answer to every request, or unasked")
    func ends() {
        var session = LeaseSession(lanes: 64)
        _ = session.received(LeaseCommand.read.bytes(tag: 1) + LeaseCommand.read.bytes(tag: 2))
        session.end(.boardGone)
        #expect(session.outbox == LeaseReply(.boardGone, tag: 1).bytes + LeaseReply(.boardGone, tag: 2).bytes)
        var idle = LeaseSession(lanes: 64)
        idle.end(.expired)
        idle.end(.shuttingDown)
        #expect(idle.outbox == LeaseReply(.expired, tag: 0).bytes)
        #expect(idle.isOver && !idle.wantsInput)
    }

    @Test("random bytes never make a session hold more than a request and the commands of 64")
    func randomBytes() {
        var random = SeededGenerator(14)
        for _ in 0..<2_000 {
            var session = LeaseSession(lanes: Int.random(in: 1...4_096, using: &random))
            var count = 0
            for _ in 0..<20 where session.wantsInput {
                var bytes = random.bytes(Int.random(in: 1...600, using: &random))
                // Headers that are none are found at once; make most of them good.
                if Bool.random(using: &random), bytes.count >= 8 {
                    bytes[0] = 1
                    bytes[1] &= 7
                    bytes.replaceSubrange(2..<8, with: [0, 0, bytes[4] & 15, 0, 0, 0])
                }
                count += session.received(bytes).count
            }
            #expect(count <= LeaseLimits.unanswered)
        }
    }
}

private struct Vectors: Decodable {
    struct Request: Decodable {
        let name: String
        let hex: String
        let tag: String
        let write: [String]?
        let pulse: Int?
        let mask: [String]?
        let point: [Double]?
        let renew: Int?

        func command() throws -> LeaseCommand {
            if let write { return .write(try write.map { try #require(UInt64($0, radix: 16)) }) }
            if let mask { return .mask(try mask.map { try #require(UInt64($0, radix: 16)) }) }
            if let pulse { return .pulse(pulse) }
            if let renew { return .renew(renew) }
            guard let point else { return .read }
            return .point(
                OperatingPoint(
                    amplitudeMillivolts: point[0], pulseWidthPicoseconds: point[1], biasFieldMicrotesla: point[2]))
        }
    }

    struct Trims: Decodable {
        let lanes: Int
        let hex: String
        let trims: [Int16]
    }

    struct Invalid: Decodable {
        let name: String
        let hex: String
        let tag: String
    }

    struct Reply: Decodable {
        let name: String
        let status: String
        let states: [String]
        let tag: String
        let hex: String
    }

    let lanes: Int
    let requests: [Request]
    let trims: Trims
    let invalid: [Invalid]
    let replies: [Reply]
}

/// The bytes of pairs of hexadecimal digits; spaces mean nothing.
private func bytes(fromHex hex: String) throws -> [UInt8] {
    let digits = try hex.filter { $0 != " " }.map { try #require($0.hexDigitValue) }
    try #require(digits.count.isMultiple(of: 2))
    return Swift.stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
}

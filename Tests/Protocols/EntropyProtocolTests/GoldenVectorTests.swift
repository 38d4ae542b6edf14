// SPDX-License-Identifier: Apache-2.0

import EntropyProtocol
import EntropyTerms
import FoundationEssentials
import PlaneTestSupport
import TestSupport
import Testing

/// The messages of `Sources/Protocols/Vectors/mep1.json`, which were written by hand from the description of the
/// protocol: what other programs send and expect.
@Suite(
    "Golden vectors of MEP/1: requests and replies against Fixtures/mep1.json, written by hand")
struct GoldenVectorTests {
    private let vectors: Vectors

    init() throws { vectors = try Vectors.load() }

    @Test("requests are read and written as the vectors say")
    func requests() throws {
        #expect(vectors.requests.count == 9)
        for vector in vectors.requests {
            let bytes = try bytes(fromHex: vector.hex)
            let request = try #require(EntropyRequest(bytes), "\(vector.name)")
            #expect("\(request.operation)" == vector.operation, "\(vector.name)")
            #expect(request.grade.name == vector.grade, "\(vector.name)")
            var flags: EntropyRequest.Flags = vector.nonBlocking ? .nonBlocking : []
            if vector.genuine ?? false { flags.insert(.genuine) }
            #expect(request.flags == flags, "\(vector.name)")
            if let text = vector.text {
                let name = try #require(ClientName(text), "\(vector.name)")
                #expect(EntropyRequest.name(name, tag: request.tag) == request, "\(vector.name)")
            }
            #expect(request.length == vector.length, "\(vector.name)")
            #expect(String(request.tag, radix: 16) == vector.tag, "\(vector.name)")
            #expect(request.bytes == bytes, "\(vector.name)")
        }
    }

    @Test("what is no request is refused")
    func invalidRequests() throws {
        #expect(vectors.invalidRequests.count == 14)
        for vector in vectors.invalidRequests {
            #expect(EntropyRequest(try bytes(fromHex: vector.hex)) == nil, "\(vector.name)")
        }
    }

    @Test("replies are read and written as the vectors say")
    func replies() throws {
        #expect(vectors.replies.count == 9)
        for vector in vectors.replies {
            let bytes = try bytes(fromHex: vector.hex)
            let reply = try #require(EntropyReply(bytes), "\(vector.name)")
            #expect("\(reply.status)" == vector.status, "\(vector.name)")
            #expect(reply.provenance.name == vector.provenance, "\(vector.name)")
            #expect(reply.grade.name == vector.grade, "\(vector.name)")
            #expect(reply.length == vector.length, "\(vector.name)")
            #expect(String(reply.tag, radix: 16) == vector.tag, "\(vector.name)")
            #expect(reply.healthEpoch == vector.healthEpoch, "\(vector.name)")
            #expect(reply.bytes == bytes, "\(vector.name)")
        }
    }

    @Test("what is no reply is refused")
    func invalidReplies() throws {
        #expect(vectors.invalidReplies.count == 7)
        for vector in vectors.invalidReplies {
            #expect(EntropyReply(try bytes(fromHex: vector.hex)) == nil, "\(vector.name)")
        }
    }
}

private struct Vectors: Decodable {
    struct Request: Decodable {
        let name: String
        let hex: String
        let operation: String
        let grade: String
        let nonBlocking: Bool
        let genuine: Bool?
        /// The bytes behind the request, in a NAME.
        let text: String?
        let length: UInt32
        let tag: String
    }

    struct Reply: Decodable {
        let name: String
        let hex: String
        let status: String
        let provenance: String
        let grade: String
        let length: UInt32
        let tag: String
        let healthEpoch: UInt32
    }

    struct Invalid: Decodable {
        let name: String
        let hex: String
    }

    let requests: [Request]
    let invalidRequests: [Invalid]
    let replies: [Reply]
    let invalidReplies: [Invalid]

    static func load() throws -> Vectors {
        let bytes = try goldenVectors("mep1.json")
        return try JSONDecoder().decode(Vectors.self, from: Data(bytes))
    }
}

/// The bytes of pairs of hexadecimal digits; spaces mean nothing.
private func bytes(fromHex hex: String) throws -> [UInt8] {
    let digits = try hex.filter { $0 != " " }.map { try #require($0.hexDigitValue) }
    try #require(digits.count.isMultiple(of: 2))
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
}

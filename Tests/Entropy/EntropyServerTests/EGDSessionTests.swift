// SPDX-License-Identifier: Apache-2.0

import EntropyProtocol
import EntropyRing
import EntropyServer
import EntropyTerms
import FoundationEssentials
import PlaneTestSupport
import TestSupport
import Testing

@Suite("EGD: the vectors of Sources/Protocols/Vectors/egd.json, pipelines in pieces, ends")
struct EGDSessionTests {
    private struct Vectors: Decodable {
        struct Dialogue: Decodable {
            let name: String
            let commands: String
            let reply: String
            let closes: Bool
        }

        let availableBytes: Int
        let processID: Int32
        let dialogues: [Dialogue]
    }

    /// A client's view of a session: what it gets for what it sends.
    private struct Dialogue {
        private(set) var session = EGDSession()
        private(set) var reply: [UInt8] = []
        let vectors: Vectors

        init(_ vectors: Vectors) { self.vectors = vectors }

        /// - Parameter step: how many bytes arrive at once, and how many are sent at once.
        mutating func send(_ bytes: [UInt8], step: Int) {
            for start in stride(from: 0, to: bytes.count, by: step) where session.action != .close {
                bytes[start..<min(start + step, bytes.count)].withUnsafeBytes { session.received($0) }
                serve(step: step)
            }
        }

        private mutating func serve(step: Int) {
            while true {
                switch session.action {
                case .receive, .close: return
                case .seek(let request):
                    session.begin(Draw(request, source: 0), provenance: .hardware, healthEpoch: 0)
                case .answer(.available): session.answer(available: vectors.availableBytes)
                case .answer(.processID): session.answer(processID: vectors.processID)
                case .answer(.atOnce(let limit)):
                    let length = min(Int(limit), vectors.availableBytes)
                    if length == 0 { session.answerNothing() } else { begin(length) }
                case .deliver(let draw): take(session.unsentCount + draw.remaining, step: step)
                case .reply: take(session.unsentCount, step: step)
                }
            }
        }

        private mutating func begin(_ length: Int) {
            let request = BitRequest(grade: .full, length: length, waits: false)
            session.begin(Draw(request, source: 0), provenance: .hardware, healthEpoch: 0)
        }

        private mutating func take(_ count: Int, step: Int) {
            let part = min(count, step)
            let unsent = session.withUnsent { Array($0) + Array($1) }
            reply += (unsent + [UInt8](repeating: 0xA5, count: count)).prefix(part)
            session.sent(part)
        }
    }

    private let vectors: Vectors

    init() throws {
        vectors = try JSONDecoder().decode(Vectors.self, from: Data(try goldenVectors("egd.json")))
    }

    private static func bytes(_ hex: String) throws -> [UInt8] {
        let digits = try hex.filter { $0 != " " }.map { try #require($0.hexDigitValue) }
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
    }

    @Test("answers as the vectors say, in whatever pieces commands and replies go", arguments: [1, 2, 3, 256])
    func dialogues(step: Int) throws {
        #expect(vectors.dialogues.count == 13)
        for vector in vectors.dialogues {
            var dialogue = Dialogue(vectors)
            dialogue.send(try Self.bytes(vector.commands), step: step)
            #expect(dialogue.reply == (try Self.bytes(vector.reply)), "\(vector.name)")
            #expect((dialogue.session.action == .close) == vector.closes, "\(vector.name)")
        }
    }

    @Test("closes where bits that a client waits for never come, and says nothing")
    func refused() {
        var session = EGDSession()
        session.receive([2, 8, 0])
        #expect(session.action == .seek(BitRequest(grade: .full, length: 8, waits: true)))
        session.refuse(.unavailable)
        #expect(session.action == .close && session.unsentCount == 0)
    }

    @Test("counts bits as far as 32 bits hold them")
    func largeCounts() {
        for (bytes, reply) in [(0, [0, 0, 0, 0]), (1 << 29, [255, 255, 255, 255]), (.max, [255, 255, 255, 255])]
            as [(Int, [UInt8])]
        {
            var session = EGDSession()
            session.receive([0])
            session.answer(available: bytes)
            #expect(session.withUnsent { header, _ in Array(header) } == reply)
        }
    }

    @Test("tells process numbers of every length", arguments: [0, 7, 4_194_304, Int32.max])
    func processNumbers(number: Int32) {
        var session = EGDSession()
        session.receive([4])
        session.answer(processID: number)
        let digits = Array("\(number)".utf8)
        #expect(session.withUnsent { header, _ in Array(header) } == [UInt8(digits.count)] + digits)
    }
}

extension EGDSession {
    fileprivate mutating func receive(_ bytes: [UInt8]) { bytes.withUnsafeBytes { received($0) } }
}

@Suite("EGD beside MEP/1 on one server: bytes, waiting, provenance, hostile clients")
struct EGDServerTests {
    private static func setup(
        _ provenance: Provenance = .hardware, allowsSimulated: Bool = false
    ) -> ServerRig.Setup {
        var setup = ServerRig.Setup(provenances: [provenance], ringBytes: 4096)
        setup.egd = (true, allowsSimulated)
        return setup
    }

    @Test("gives each byte to one client only, and answers a pipeline in order")
    func serves() throws {
        try ServerRig.run(Self.setup()) { rig in
            rig.source.put(TaggedStream.bytes(count: 96))
            let (client, other) = (try rig.connectToEGD(), try rig.connect())
            try client.send([0, 2, 16, 1, 16, 4])
            #expect(try client.receive(4) == [0, 0, 3, 0])
            #expect(try client.receive(16) == TaggedStream.bytes(count: 16))
            #expect(try client.receive(17) == [16] + TaggedStream.bytes(from: 1, count: 16))
            #expect(try client.receive(5) == [4] + Array("4711".utf8))
            let reply = try #require(try other.ask(.read(64, grade: .full)))
            #expect(reply.bytes == TaggedStream.bytes(from: 2, count: 64))
            try client.send([1, 255])
            #expect(try client.receive(1) == [0])
            #expect(rig.server.clients.count { $0.name == "EGD" } == 1)
        }
    }

    @Test("waits for bytes, and gives those that come in pieces")
    func waits() throws {
        try ServerRig.run(Self.setup()) { rig in
            let client = try rig.connectToEGD()
            try client.send([2, 32, 0])
            linger()
            #expect(!client.hasInput)
            rig.source.put(TaggedStream.bytes(count: 16))
            #expect(try client.receive(16) == TaggedStream.bytes(count: 16))
            rig.source.put(TaggedStream.bytes(from: 1, count: 16))
            #expect(try client.receive(16) == TaggedStream.bytes(from: 1, count: 16))
            #expect(try client.receive(4) == [0, 0, 0, 0])
        }
    }

    @Test("gives bits that are not random where it is allowed only", arguments: [Provenance.simulated, .replay])
    func provenance(provenance: Provenance) throws {
        try ServerRig.run(Self.setup(provenance)) { rig in
            rig.source.put(TaggedStream.bytes(count: 64))
            let client = try rig.connectToEGD()
            try client.send([0, 1, 16, 2, 16])
            #expect(try client.receive(5) == [0, 0, 0, 0, 0])
            #expect(try client.isEnded())
        }
        try ServerRig.run(Self.setup(provenance, allowsSimulated: true)) { rig in
            rig.source.put(TaggedStream.bytes(count: 64))
            let client = try rig.connectToEGD()
            try client.send([2, 16])
            #expect(try client.receive(16) == TaggedStream.bytes(count: 16))
        }
    }

    @Test("closes on what is no command, and serves others; too many are refused")
    func hostile() throws {
        try ServerRig.run(Self.setup()) { rig in
            rig.source.put(TaggedStream.bytes(count: 64))
            for noise in [[5], [255, 2, 16], [3, 0, 0, 1, 0, 9]] as [[UInt8]] {
                let client = try rig.connectToEGD()
                try client.send(noise)
                #expect(try client.isEnded())
            }
            let clients = try (0..<8).map { _ in try rig.connectToEGD() }
            for client in clients { try client.send([4]) }
            for client in clients { #expect(try client.receive(5).count == 5) }
            #expect(try rig.connectToEGD().isEnded())
            try clients[0].send([2, 64])
            #expect(try clients[0].receive(64) == TaggedStream.bytes(count: 64))
            withExtendedLifetime(clients) {}
        }
    }
}

@Suite("What a client of MEP/1 says and wants: its name, genuine bits")
struct ServerRequestTests {
    @Test("A request for genuine bits is denied where there are none, costs none, and is served where there are")
    func genuine() throws {
        let request = EntropyRequest.read(16, grade: .full, flags: .genuine, tag: 3)
        try ServerRig.run(.init(provenances: [.replay, .simulated])) { rig in
            for source in rig.sources { source.put(TaggedStream.bytes(count: 16)) }
            let client = try rig.connect()
            let denied = try #require(try client.ask(request))
            #expect(denied.header.status == .denied && denied.header.tag == 3 && denied.bytes.isEmpty)
            #expect(rig.sources.allSatisfy { $0.deliverableCount(.full) == 16 })
            #expect(try client.ask(.read(16, grade: .full))?.header.status == .ok)
        }
        try ServerRig.run(.init(provenances: [.simulated, .host])) { rig in
            rig.sources[0].put(TaggedStream.bytes(from: 9, count: 64))
            let client = try rig.connect()
            try client.send(request)
            linger()
            #expect(!client.hasInput, "it waits for the source that has genuine bits")
            rig.sources[1].put(TaggedStream.bytes(count: 16))
            let reply = try #require(try client.receiveReply())
            #expect(reply.header.provenance == .host && reply.bytes == TaggedStream.bytes(count: 16))
        }
    }

    @Test("A name is that of the connection, until it gives another")
    func name() throws {
        try ServerRig.run { rig in
            let client = try rig.connect()
            let names = { rig.server.clients.map(\.name) }
            #expect(try client.ask(.info()) != nil && names() == [nil])
            for text in ["Swift, EntropyClient 0.1.0", "~"] {
                let name = try #require(ClientName(text))
                try client.send(EntropyRequest.name(name, tag: 1).bytes + Array(text.utf8))
                let reply = try #require(try client.receiveReply())
                #expect(reply.header.status == .ok && reply.bytes.isEmpty)
                #expect(names() == [text])
            }
        }
    }
}

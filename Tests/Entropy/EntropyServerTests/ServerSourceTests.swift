// SPDX-License-Identifier: Apache-2.0

import EntropyProtocol
import EntropyRing
import EntropyServer
import EntropyTerms
import LinuxPlatform
import PlaneTestSupport
import Synchronization
import TestSupport
import Testing

@Suite(
    "A server with several sources: none is mixed with another; waiting for any of them")
struct ServerSourceTests {
    private let two = ServerRig.Setup(provenances: [.hardware, .simulated], ringBytes: 4096)

    @Test("never mixes two sources in an answer, and says where each comes from")
    func neverMixes() throws {
        try ServerRig.run(two) { rig in
            let clients = try (0..<3).map { _ in try rig.connect() }
            var seen: Set<Provenance> = []
            try rig.filling {
                for round in 0..<100 {
                    let length = UInt32(1000 + round * 100)
                    for client in clients { try client.send(.read(length, grade: .full)) }
                    for client in clients {
                        let reply = try #require(try client.receiveReply())
                        let source: UInt64 = reply.header.provenance == .hardware ? 0 : 1
                        let numbers = TaggedStream.numbers(in: reply.bytes)
                        #expect(numbers.count > Int(length) / 16 - 20)
                        #expect(numbers.allSatisfy { $0 >> 32 == source })
                        seen.insert(reply.header.provenance)
                    }
                }
            }
            #expect(seen == [.hardware, .simulated])
        }
    }

    @Test("finishes an answer from the source it began with, however much another one has")
    func staysWithSource() throws {
        try ServerRig.run(two) { rig in
            let client = try rig.connect()
            try client.send(.read(64, grade: .full), .read(64, grade: .full))
            rig.sources[0].put(TaggedStream.bytes(count: 32))
            #expect(try client.receive(24 + 32).count == 56)
            rig.sources[1].put(TaggedStream.bytes(from: 1 << 32, count: 64))
            linger()
            #expect(!client.hasInput)
            rig.sources[0].put(TaggedStream.bytes(from: 2, count: 32))
            #expect(try client.receive(32) == TaggedStream.bytes(from: 2, count: 32))
            let next = try #require(try client.receiveReply())
            #expect(next.header.provenance == .simulated)
            #expect(next.bytes == TaggedStream.bytes(from: 1 << 32, count: 64))
        }
    }

    @Test("serves from the sources that are open")
    func openOnes() throws {
        try ServerRig.run(two) { rig in
            rig.sources[0].close()
            let client = try rig.connect()
            for round in 0..<10 as Range<UInt64> {
                rig.sources[1].put(TaggedStream.bytes(from: round, count: 16))
                let reply = try #require(try client.ask(.read(16, grade: .full)))
                #expect(reply.header.provenance == .simulated)
                #expect(reply.bytes == TaggedStream.bytes(from: round, count: 16))
            }
        }
    }

    @Test(
        "wakes a client that waits, whichever source gets bits, and from whichever it got the last")
    func wakesFromAny() throws {
        // A ring of one word: its producer sleeps until the word is taken, so that a wake-up that is
        // lost is never made up for.
        try ServerRig.run(.init(provenances: [.hardware, .hardware], ringBytes: 16)) { rig in
            let client = try rig.connect()
            var generator = TestGenerator(seed: 1)
            for round in 0..<10_000 {
                let source = rig.sources[Int.random(in: 0...1, using: &generator)]
                try client.send(.read(16, grade: .full))
                // At any moment of what the server does then.
                let moment = monotonicNanoseconds() + .random(in: 0...60_000, using: &generator)
                while monotonicNanoseconds() < moment {}
                source.put(TaggedStream.word(UInt64(round)))
                let reply = try #require(try client.receiveReply())
                #expect(reply.bytes == TaggedStream.word(UInt64(round)))
                try #require(eventually { source.full.free == 16 })
            }
        }
    }
}

@Suite(
    "Fairness of the server: no client gets far more than another")
struct ServerFairnessTests {
    @Test("a client gets 64 KiB at most before it is the turn of the next")
    func quantum() throws {
        try ServerRig.run(.init(ringBytes: 1 << 20)) { rig in
            let clients = try (0..<3).map { _ in try rig.connect() }
            for client in clients {
                // The information tells that the request behind it has been read as well.
                try client.send(.info(), .read(1_048_576, grade: .full))
                _ = try client.receiveReply()
            }
            // Whoever asks later is answered after all three were found to have to wait.
            _ = try rig.connect().ask(.info())
            rig.source.put(TaggedStream.bytes(count: 3 << 16))
            for client in clients {
                #expect(try client.receive(24 + 1 << 16).count == 24 + 1 << 16)
            }
            #expect(clients.allSatisfy { !$0.hasInput })
        }
    }

    @Test("a client that wants little is answered within a few refills, beside eight that want all")
    func smallAmongGreedy() throws {
        try ServerRig.run(.init(ringBytes: 1 << 14)) { rig in
            let isDone = Flag()
            let greedy = try (0..<8).map { _ in try rig.connect() }
            let readers = try greedy.map { client in
                try WorkerThread(name: "test-greedy") {
                    // Enough requests to wait for bits all the time.
                    for _ in 0..<64 { _ = try? client.send(.read(1_048_576, grade: .full)) }
                    client.drain { isDone.isRaised }
                }
            }
            defer {
                isDone.raise()
                for client in greedy { client.die() }
                for reader in readers { reader.join() }
            }
            let small = try rig.connect()
            var refillsNeeded: [Int] = []
            for _ in 0..<21 {
                // The information tells that the request behind it has been read as well.
                try small.send(.info(), .read(32, grade: .full))
                _ = try small.receiveReply()
                var refills = 0
                func isAnswered() -> Bool { small.inputCount(limit: 24 + 32) == 24 + 32 }
                func isDrained() -> Bool { rig.source.full.available == 0 || isAnswered() }
                while !isAnswered() {
                    try #require(eventually(isDrained))
                    rig.source.put(
                        TaggedStream.bytes(count: rig.source.full.free / 16 * 16))
                    refills += 1
                    try #require(eventually(isDrained))
                }
                #expect(try small.receiveReply()?.bytes.count == 32)
                refillsNeeded.append(refills)
            }
            // Each of the nine has its turn before one has its second; only those that could not be
            // sent more bits may come between.
            #expect(refillsNeeded.sorted()[10] <= 10)
            #expect(refillsNeeded.allSatisfy { $0 <= 40 })
        }
    }
}

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
    "A server whose source is closed: also in the middle of an answer and under load")
struct ServerGateTests {
    @Test("delivers nothing, lets clients wait, and serves them once it is opened")
    func waits() throws {
        try ServerRig.run(.init(isOpen: false)) { rig in
            rig.source.put(TaggedStream.bytes(count: 64))
            let client = try rig.connect()
            try client.send(.read(32, grade: .full, tag: 1))
            let other = try rig.connect()
            let reply = try other.ask(.read(1, grade: .full, flags: .nonBlocking))
            #expect(reply?.header.status == .unavailable)
            linger()
            #expect(!client.hasInput)
            // As a pipeline does it: what is in the rings is discarded before they are opened.
            rig.source.close()
            rig.source.open()
            linger()
            #expect(!client.hasInput)
            rig.source.put(TaggedStream.bytes(from: 50, count: 32))
            #expect(try client.receiveReply()?.bytes == TaggedStream.bytes(from: 50, count: 32))
        }
    }

    @Test("that has ended gives what is left to clients that ask for no more, and lets none wait")
    func ended() throws {
        try ServerRig.run { rig in
            let first = try rig.connect()
            try first.send(.read(96, grade: .full, tag: 1))
            let second = try rig.connect()
            rig.source.put(TaggedStream.bytes(count: 32))
            #expect(try first.receive(24 + 32).suffix(32) == TaggedStream.bytes(count: 32)[...])
            rig.source.end()
            #expect(try first.isEnded())
            rig.source.put(TaggedStream.bytes(from: 4, count: 64))
            #expect(try second.ask(.read(65, grade: .full))?.header.status == .unavailable)
            #expect(try second.ask(.read(1, grade: .raw))?.header.status == .unavailable)
            #expect(
                try second.ask(.read(64, grade: .full))?.bytes
                    == TaggedStream.bytes(from: 4, count: 64))
            #expect(try second.ask(.read(1, grade: .full))?.header.status == .unavailable)
        }
    }

    @Test("of which one has ended waits for the other")
    func endedBesideAnother() throws {
        try ServerRig.run(.init(provenances: [.replay, .hardware])) { rig in
            rig.sources[0].put(TaggedStream.bytes(count: 16))
            rig.sources[0].end()
            let client = try rig.connect()
            try client.send(.read(32, grade: .full, tag: 1))
            linger()
            #expect(!client.hasInput)
            rig.sources[1].put(TaggedStream.bytes(from: 9, count: 32))
            #expect(try client.receiveReply()?.bytes == TaggedStream.bytes(from: 9, count: 32))
        }
    }

    @Test("wipes what was in the rings although no client asks")
    func wipes() throws {
        try ServerRig.run { rig in
            rig.source.put(TaggedStream.bytes(count: 1024), .full)
            rig.source.put(TaggedStream.bytes(count: 2048), .raw)
            rig.source.close()
            for ring in [rig.source.full, rig.source.raw] {
                #expect(eventually { ring.free == ring.capacity })
                #expect(ring.writableSpan().allSatisfy { $0 == 0 })
                #expect(ring.delivered.load(ordering: .relaxed) == 0)
            }
        }
    }

    @Test("in the middle of an answer delivers no more of what it had, and goes on with new bytes")
    func midAnswer() throws {
        try ServerRig.run { rig in
            rig.source.healthEpoch.store(4, ordering: .relaxed)
            let client = try rig.connect()
            try client.send(.read(96, grade: .full, tag: 9), .read(16, grade: .full, tag: 10))
            rig.source.put(TaggedStream.bytes(count: 32))
            let start = try client.receive(24 + 32)
            #expect(EntropyReply(Array(start[..<24]))?.healthEpoch == 4)
            #expect(Array(start[24...]) == TaggedStream.bytes(count: 32))
            rig.source.close()
            // Bytes that were published and discarded while the source is closed.
            rig.source.put(TaggedStream.bytes(from: 1000, count: 64))
            linger()
            #expect(!client.hasInput)
            rig.source.close()
            rig.source.healthEpoch.store(6, ordering: .relaxed)
            rig.source.open()
            rig.source.put(TaggedStream.bytes(from: 7, count: 80))
            #expect(try client.receive(64) == TaggedStream.bytes(from: 7, count: 64))
            let next = try #require(try client.receiveReply())
            #expect(next.header.healthEpoch == 6 && next.header.tag == 10)
            #expect(next.bytes == TaggedStream.bytes(from: 11, count: 16))
        }
    }

    @Test(
        "in the middle of an answer ends the connection of a client that asked not to wait, and no other",
        arguments: [true, false])
    func midAnswerWithoutWaiting(isNonBlocking: Bool) throws {
        let length = 512 << 10
        try ServerRig.run(.init(ringBytes: 1 << 20)) { rig in
            rig.source.put(TaggedStream.bytes(count: length))
            let client = try rig.connect()
            // More than the socket takes, and nobody reads it yet.
            try client.send(
                .read(UInt32(length), grade: .full, flags: isNonBlocking ? .nonBlocking : []))
            #expect(eventually { client.hasInput })
            linger()
            rig.source.close()
            linger()
            if !isNonBlocking {
                rig.source.open()
                rig.source.put(TaggedStream.bytes(count: length))
            }
            let received = try client.receive(24 + length)
            #expect((received.count == 24 + length) != isNonBlocking)
            #expect(received.count > 24)
        }
    }

    @Test("again and again under load never delivers what was discarded, nor anything twice")
    func underLoad() throws {
        try ServerRig.run(.init(ringBytes: 4096)) { rig in
            let isDone = Flag()
            let (late, disorder, failures) = (Tally(), Tally(), Tally())
            // Numbers below this one were discarded before the last request was sent.
            let floor = Tally()
            try concurrently([
                {
                    var next = 0
                    while !isDone.isRaised {
                        rig.source.close()
                        floor.value = next
                        rig.source.open()
                        for _ in 0..<20 where !isDone.isRaised {
                            guard rig.source.full.free >= 256 else { continue }
                            rig.source.put(TaggedStream.bytes(from: UInt64(next), count: 256))
                            next += 16
                        }
                    }
                },
                {
                    defer { isDone.raise() }
                    do {
                        let client = try rig.connect()
                        var newest = -1
                        for _ in 0..<2000 {
                            let known = floor.value
                            guard let reply = try client.ask(.read(64, grade: .full)) else {
                                return failures.add(1)
                            }
                            for number in TaggedStream.numbers(in: reply.bytes).map(Int.init) {
                                if number < known { late.add(1) }
                                if number <= newest { disorder.add(1) }
                                newest = number
                            }
                        }
                    } catch {
                        failures.add(1)
                    }
                },
            ])
            #expect(failures.value == 0)
            #expect(late.value == 0)
            #expect(disorder.value == 0)
        }
    }
}

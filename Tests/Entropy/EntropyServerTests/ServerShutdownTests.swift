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
    "A server that stops: which client is told what; a hundred busy clients")
struct ServerShutdownTests {
    @Test("tells the clients that wait, and closes all connections")
    func tellsWaiting() throws {
        var clients: [(client: RawClient, isWaiting: Bool)] = []
        try ServerRig.run { rig in
            rig.source.put(TaggedStream.bytes(count: 32))
            let begun = try rig.connect()
            try begun.send(.read(64, grade: .full))
            #expect(try begun.receive(24 + 32).count == 56)
            // The information tells that the request behind it has been read as well.
            let waiting = try rig.connect()
            try waiting.send(.info(), .read(64, grade: .raw, tag: 77))
            _ = try waiting.receiveReply()
            let pipelined = try rig.connect()
            try pipelined.send(.info(), .read(1, grade: .raw, tag: 78), .info())
            _ = try pipelined.receiveReply()
            let idle = try rig.connect()
            _ = try idle.ask(.info())
            clients = [(begun, false), (waiting, true), (pipelined, true), (idle, false)]
        }
        for (client, isWaiting) in clients {
            if isWaiting {
                let reply = try #require(try client.receiveReply()).header
                #expect(reply.status == .shuttingDown)
                #expect(reply.length == 0 && (77...78).contains(reply.tag))
            }
            #expect(try client.isEnded())
        }
    }

    @Test("is not held up by a hundred clients that ask and read, ask and do not read, or wait")
    func busy() throws {
        raiseDescriptorLimit()
        let isDone = Flag()
        let received = Tally()
        var kept: [RawClient] = []
        var readers: [RawClient] = []
        try ServerRig.run(.init(maximumClients: 200)) { rig in
            kept = try (0..<84).map { _ in try rig.connect() }
            readers = try (0..<16).map { _ in try rig.connect() }
            for (index, client) in kept.enumerated() {
                let grade: Grade = index.isMultiple(of: 2) ? .full : .raw
                try client.send(.read(1_048_576, grade: grade), .read(1_048_576, grade: grade))
            }
            // The bits keep coming until after the end.
            let filler = try RingFiller(rig.source, .full)
            defer { filler.stop() }
            let clients = readers
            let threads = try (0..<4).map { part in
                try WorkerThread(name: "test-reader") {
                    for client in clients[(part * 4)..<(part * 4 + 4)] {
                        _ = try? client.send(.read(1_048_576, grade: .full))
                    }
                    while !isDone.isRaised {
                        for client in clients[(part * 4)..<(part * 4 + 4)] {
                            received.add(client.drain())
                        }
                        linger()
                    }
                }
            }
            defer {
                isDone.raise()
                for thread in threads { thread.join() }
            }
            #expect(eventually { received.value > 1 << 20 })
            try rig.stop()
            #expect(rig.server.clients.count == 0)
        }
        #expect(kept.count == 84)
    }

    @Test("removes its socket")
    func removesSocket() throws {
        var directory: TemporaryDirectory?
        try ServerRig.run { rig in
            directory = rig.directory
            #expect(rig.directory.entries == ["e"])
        }
        #expect(directory?.entries == [])
    }

    @Test("leaves the bits it did not deliver to nobody")
    func keepsBits() throws {
        try ServerRig.run { rig in
            rig.source.put(TaggedStream.bytes(count: 64))
            try rig.stop()
            #expect(rig.source.full.delivered.load(ordering: .relaxed) == 0)
        }
    }
}

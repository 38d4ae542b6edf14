// SPDX-License-Identifier: Apache-2.0

import EntropyProtocol
import EntropyRing
import EntropyServer
import EntropyTerms
import Glibc
import LinuxPlatform
import PlaneTestSupport
import Synchronization
import TestSupport
import Testing

@Suite(
    "Clients of the server: those that never read or die; no byte reaches two; quotas")
struct ServerClientTests {
    @Test("are told of, with their process, user and what each has had, until they go")
    func whoIsConnected() throws {
        try ServerRig.run { rig in
            let before = secondsSinceEpoch()
            #expect(rig.server.clients.isEmpty)
            try rig.filling {
                let (one, other) = (try rig.connect(), try rig.connect())
                for _ in 0..<3 { #expect(try one.ask(.read(1_000, grade: .full)) != nil) }
                #expect(try other.ask(.read(70_000, grade: .full)) != nil)
                let clients = rig.server.clients
                // The last part is counted when it has gone.
                #expect(
                    eventually {
                        clients.map { $0.delivered.load(ordering: .relaxed) }.sorted()
                            == [3_000, 70_000]
                    })
                #expect(clients.allSatisfy { $0.processID == getpid() && $0.userID == geteuid() })
                #expect(
                    clients.allSatisfy { $0.since >= before && $0.since <= secondsSinceEpoch() })
            }
            #expect(eventually { rig.server.clients.isEmpty })
        }
    }

    @Test("that ask and never read keep nobody else waiting")
    func neverReads() throws {
        try ServerRig.run { rig in
            try rig.filling {
                let deaf = try (0..<4).map { _ in try rig.connect() }
                for client in deaf {
                    let request = EntropyRequest.read(1_048_576, grade: .full)
                    try client.send(request, request, request)
                }
                for client in deaf { #expect(eventually { client.hasInput }) }
                let other = try rig.connect()
                for length in [32, 1_048_576, 32] as [UInt32] {
                    let reply = try #require(try other.ask(.read(length, grade: .full)))
                    #expect(reply.bytes.count == Int(length))
                }
                // The first of the deaf ones can go on whenever it likes.
                #expect(try deaf[0].receiveReply()?.bytes.count == 1_048_576)
            }
        }
    }

    @Test(
        "never get a byte that another one got, though some die in the middle of an answer",
        arguments: [false, true])
    func nothingTwice(sendsInPart: Bool) throws {
        let rounds = isSanitized || sendsInPart ? 4 : 24
        let numbers = Mutex<[UInt64]>([])
        let (received, failures) = (Tally(), Tally())
        try ServerRig.run { rig in
            let isDone = Flag()
            let shrinker = try WorkerThread(name: "test-shrinker") {
                while sendsInPart, !isDone.isRaised {
                    ServerSockets(path: rig.path).shrinkSendBuffers()
                }
            }
            defer {
                isDone.raise()
                shrinker.join()
            }
            try rig.filling {
                try concurrently(
                    (0..<16).map { client in
                        {
                            do {
                                let bytes = try read(rig, rounds: rounds, client: client)
                                received.add(bytes.count)
                                let found = TaggedStream.numbers(in: bytes)
                                numbers.withLock { $0 += found }
                            } catch {
                                failures.add(1)
                            }
                        }
                    })
            }
            let ring = rig.source.full
            #expect(eventually { ring.delivered.load(ordering: .relaxed) >= received.value })
        }
        #expect(failures.value == 0)
        let sorted = numbers.withLock { $0.sorted() }
        #expect(zip(sorted, sorted.dropFirst()).allSatisfy { $0 < $1 })
        // Words are cut where the bytes of clients meet, which is rarely.
        #expect(sorted.count * 16 > received.value * 9 / 10)
        #expect(received.value > 16 * rounds * 10_000)
    }

    @Test("that die while they wait are forgotten, and leave the bits to the others")
    func dieWhileWaiting() throws {
        try ServerRig.run { rig in
            let dying = try (0..<10).map { _ in try rig.connect() }
            for client in dying { try client.send(.read(32, grade: .full)) }
            #expect(eventually { rig.server.clients.count == 10 })
            for client in dying { client.die() }
            #expect(eventually { rig.server.clients.count == 0 })
            #expect(eventually { ServerSockets(path: rig.path).count == 0 })
            rig.source.put(TaggedStream.bytes(count: 32))
            let reply = try rig.connect().ask(.read(32, grade: .full))
            #expect(reply?.bytes == TaggedStream.bytes(count: 32))
        }
    }

    @Test("beyond as many as there may be are told so and closed, and let in when others go")
    func overQuota() throws {
        raiseDescriptorLimit()
        try ServerRig.run(.init(maximumClients: 256)) { rig in
            rig.source.put(TaggedStream.bytes(count: 1 << 16))
            var clients = try (0..<500).map { _ in try rig.connect() }
            var admitted: [RawClient] = []
            for client in clients {
                // The refused are told unasked; the others answer, once they are asked.
                try client.send(.info(tag: 1))
                let reply = try #require(try client.receiveReply()).header
                switch reply.status {
                case .ok:
                    admitted.append(client)
                default:
                    #expect(reply.status == .overQuota && reply.tag == 0)
                    #expect(try client.isEnded())
                }
            }
            #expect(admitted.count == 256)
            #expect(rig.server.clients.count == 256)
            #expect(rig.server.clientsRefused == 244)
            clients = []
            admitted.removeFirst(10)
            #expect(eventually { rig.server.clients.count == 246 })
            let later = try (0..<11).map { _ in try rig.connect() }
            let statuses = try later.map { try $0.ask(.read(1, grade: .full))?.header.status }
            #expect(statuses == [EntropyReply.Status?](repeating: .ok, count: 10) + [.overQuota])
            #expect(try admitted[0].ask(.read(1, grade: .full))?.header.status == .ok)
        }
    }

    @Test("may become fewer or more while the server runs; those that are there stay")
    func quotaChanges() throws {
        try ServerRig.run(.init(maximumClients: 3)) { rig in
            func connect() throws -> (client: RawClient, status: EntropyReply.Status?) {
                let client = try rig.connect()
                return (client, try client.ask(.info())?.header.status)
            }
            let first = try (0..<3).map { _ in try connect() }
            #expect(first.map(\.status) == [.ok, .ok, .ok])
            rig.server.maximumClients = 1
            #expect(try connect().status == .overQuota)
            for (client, _) in first { #expect(try client.ask(.info())?.header.status == .ok) }
            rig.server.maximumClients = 4
            #expect(try connect().status == .ok)
        }
    }
}

/// Reads answers of many lengths; one client in three breaks off in the middle of each.
///
/// - Returns: everything that reached the client, the answers one after another, and bytes that are
///   in no word between them.
private func read(_ rig: ServerRig, rounds: Int, client: Int) throws -> [UInt8] {
    var generator = TestGenerator(seed: UInt64(client))
    var received: [UInt8] = []
    var connection = try rig.connect()
    for _ in 0..<rounds {
        let length = Int.random(in: 10_000...100_000, using: &generator)
        try connection.send(.read(UInt32(length), grade: .full))
        let dies = client.isMultiple(of: 3)
        let wanted = dies ? Int.random(in: 10_000...length, using: &generator) : length
        received += try connection.receive(24 + wanted)[24...]
        received += [UInt8](repeating: 0x80, count: TaggedStream.wordBytes)
        if dies {
            connection.die()
            connection = try rig.connect()
        }
    }
    return received
}

// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import PlaneTestSupport
import Synchronization
import TestSupport
import Testing

@Suite("A local server")
struct LocalServerTests {
    @Test("accepts connections, and forgets those that were closed")
    func accepts() throws {
        let host = try Host(maximumConnections: 8)
        let clients = try (0..<3).map { _ in try host.connect() }
        host.takeTurns()
        #expect(host.server.count == 3)
        for client in clients { client.finishSending() }
        host.takeTurns()
        #expect(host.server.count == 0)
        #expect(try clients.allSatisfy { try $0.isEnded() })
    }

    @Test("names no two connections alike, although their slots are used again")
    func tokens() throws {
        let host = try Host(maximumConnections: 2)
        var tokens: [UInt64] = []
        for _ in 0..<5 {
            let client = try host.connect()
            host.takeTurns()
            tokens += host.server.connections.map(\.socket.token)
            client.die()
            host.takeTurns()
        }
        #expect(tokens.count == 5)
        #expect(zip(tokens, tokens.dropFirst()).allSatisfy { $0 < $1 })
    }

    @Test("refuses newcomers of the same user when there are as many as there may be")
    func refuses() throws {
        let host = try Host(maximumConnections: 2, calls: .peers { 1000 })
        let first = try (0..<2).map { _ in try host.connect() }
        host.takeTurns()
        let third = try host.connect()
        host.takeTurns()
        #expect(try third.receive(4) == Array("full".utf8))
        #expect(try third.isEnded())
        #expect(host.server.count == 2)
        #expect(host.control.refused.load(ordering: .relaxed) == 1)
        #expect(first.allSatisfy { !$0.hasInput })
    }

    @Test("lets the connection that has been idle for longest make room where idle ones yield")
    func idleYield() throws {
        let host = try Host(maximumConnections: 3, idleConnections: .yield, calls: .peers { 1000 })
        let clients = try (0..<3).map { _ in
            let client = try host.connect()
            host.takeTurns()
            host.clock.advance(milliseconds: 1000)
            return client
        }
        // The oldest is busy, the second asks again and so is the youngest.
        for connection in host.server.connections {
            switch connection.socket.token {
            case host.tokens[0]: connection.isIdle = false
            case host.tokens[1]: connection.socket.idleSince = host.clock.nanoseconds
            default: break
            }
        }
        let newcomer = try host.connect()
        host.takeTurns()
        #expect(try clients[2].isEnded())
        #expect(host.server.count == 3)
        #expect(clients[..<2].allSatisfy { !$0.hasInput } && !newcomer.hasInput)
        host.control.setMaximumConnections(1)
        host.takeTurns()
        #expect(host.server.count == 1, "the busy one stays")
        #expect(!clients[0].hasInput)
    }

    @Test("keeps places for root, however many users have taken the others and are busy")
    func reserve() throws {
        let user = Atomic<UInt32>(1000)
        let host = try Host(
            maximumConnections: 16, calls: .peers { user.add(1, ordering: .relaxed).oldValue })
        let others = try (0..<14).map { _ in try host.connect() }
        host.takeTurns()
        #expect(host.server.count == 14)
        for connection in host.server.connections { connection.isIdle = false }
        let refused = try host.connect()
        host.takeTurns()
        #expect(try refused.receive(4) == Array("full".utf8))
        user.store(0, ordering: .relaxed)
        let root = try host.connect()
        host.takeTurns()
        #expect(host.server.count == 15 && !root.hasInput)
        withExtendedLifetime(others) {}
    }

    @Test("lets an idle client make room for another user, where each has one")
    func ties() throws {
        let user = Atomic<UInt32>(1000)
        let host = try Host(
            maximumConnections: 3, calls: .peers { user.add(1, ordering: .relaxed).oldValue })
        let clients = try (0..<3).map { _ in
            let client = try host.connect()
            host.takeTurns()
            host.clock.advance(milliseconds: 1000)
            return client
        }
        for connection in host.server.connections where connection.socket.token == host.tokens[0] {
            connection.isIdle = false
        }
        let newcomer = try host.connect()
        host.takeTurns()
        #expect(try clients[1].isEnded())
        #expect(!clients[0].hasInput && !clients[2].hasInput && !newcomer.hasInput)
        for connection in host.server.connections { connection.isIdle = false }
        let late = try host.connect()
        host.takeTurns()
        #expect(try late.receive(4) == Array("full".utf8), "no one that is busy makes room")
        // Optimised code may close a client once nothing uses it any more.
        withExtendedLifetime((clients, newcomer)) {}
    }

    @Test("accepts one connection in a turn that served clients and took no time, more in one that took some")
    func besideOthers() throws {
        let host = try Host(maximumConnections: 100)
        let clients = try (0..<40).map { _ in try host.connect() }
        let accepted = { (busySince: UInt64?) in
            let before = host.server.count
            host.acceptOnce(busySince: busySince)
            return host.server.count - before
        }
        #expect(accepted(host.clock.nanoseconds) == 1)
        #expect(accepted(host.clock.nanoseconds - 1_000_000) == 16, "the clock stands still")
        #expect(accepted(nil) == 16)
        withExtendedLifetime(clients) {}
    }

    @Test("gives no place to one that has come and gone")
    func gone() throws {
        let host = try Host(maximumConnections: 1)
        for _ in 0..<5 { try host.connect().die() }
        let client = try host.connect()
        host.takeTurns()
        #expect(host.server.count == 1 && host.tokens.count == 1)
        #expect(!client.hasInput && host.control.refused.load(ordering: .relaxed) == 0)
    }

    @Test("accepts again a tenth of a second after the process ran out of descriptors, not before")
    func outOfDescriptors() throws {
        let attempts = Tally()
        let calls = SocketCalls { call, count in
            guard call == .accept else { return .moved(count) }
            attempts.add(1)
            return attempts.value == 1 ? .ended : .moved(count)
        }
        let host = try Host(maximumConnections: 8, calls: calls)
        let client = try host.connect()
        host.takeTurns()
        #expect(host.server.count == 0)
        #expect(attempts.value == 1, "the listener is not watched")
        #expect(host.server.deadline == host.clock.nanoseconds + 100_000_000)
        host.clock.advance(milliseconds: 99)
        host.takeTurns()
        #expect(attempts.value == 1)
        host.clock.advance(milliseconds: 1)
        host.takeTurns()
        #expect(host.server.count == 1)
        #expect(host.server.deadline == nil)
        #expect(!client.hasInput)
    }

    @Test("of a poll takes no notice of the events of another one")
    func sharedPoll() throws {
        let poll = try EventPoll()
        let hosts = try [1, 2].map { try Host(maximumConnections: 4, poll: poll, number: $0) }
        let clients = try hosts.map { try $0.connect() }
        for host in hosts { host.takeTurns(with: hosts) }
        #expect(hosts.map(\.server.count) == [1, 1])
        clients[0].die()
        // Optimised code may close a client once nothing uses it any more.
        withExtendedLifetime(clients) {
            hosts[0].takeTurns(with: hosts)
            #expect(hosts.map(\.server.count) == [0, 1])
        }
    }
}

/// A service that closes a connection when its client ends, and says nothing.
private final class Host: LocalService {
    final class Connection: LocalConnection {
        let socket: AcceptedSocket
        var isIdle = true

        init(_ socket: AcceptedSocket) { self.socket = socket }
    }

    let control: LocalServerControl
    let server: LocalServer<Connection>
    let clock = ManualClock()
    var tokens: [UInt64] = []
    private let poll: EventPoll
    private let directory = TemporaryDirectory()

    init(
        maximumConnections: Int, idleConnections: LocalServer<Connection>.IdleConnections = .stay,
        calls: SocketCalls = .system, poll: EventPoll? = nil, number: UInt8 = 1
    ) throws {
        control = try LocalServerControl(maximumConnections: maximumConnections)
        self.poll = try poll ?? EventPoll()
        server = try LocalServer(
            UnixListener(path: directory.file("s"), mode: 0o600), number: number, on: self.poll,
            control: control, idleConnections: idleConnections, clock: clock.clock, calls: calls)
    }

    func connect() throws -> RawClient { try RawClient(path: directory.file("s")) }

    /// Does all there is to do, without waiting.
    func takeTurns() { takeTurns(with: [self]) }

    /// One turn of a service whose clients have had theirs.
    func acceptOnce(busySince: UInt64?) {
        for event in poll.wait(milliseconds: 0) { _ = server.connection(of: event) }
        server.acceptWaiting(for: self, busySince: busySince)
    }

    func takeTurns(with hosts: [Host]) {
        for _ in 0..<4 {
            for event in poll.wait(milliseconds: 0) {
                for host in hosts {
                    if let connection = host.server.connection(of: event) { host.close(connection) }
                }
            }
            for host in hosts { host.server.acceptWaiting(for: host) }
        }
    }

    func makeConnection(_ socket: AcceptedSocket) -> Connection {
        tokens.append(socket.token)
        return Connection(socket)
    }

    func close(_ connection: Connection) { server.remove(connection) }

    func refuse(_ newcomer: Descriptor) { _ = Glibc.send(newcomer.raw, "full", 4, 0) }
}

extension SocketCalls {
    /// Connections of users that a test makes up.
    fileprivate static func peers(_ user: @escaping @Sendable () -> UInt32) -> SocketCalls {
        SocketCalls(peers: { PeerCredentials(processID: 1, userID: user(), groupID: 100) })
    }
}

/// A clock that a test moves.
private final class ManualClock: Sendable {
    private let time = Atomic<UInt64>(1_000_000_000)

    var nanoseconds: UInt64 { time.load(ordering: .relaxed) }

    func advance(milliseconds: UInt64) {
        time.add(milliseconds * 1_000_000, ordering: .relaxed)
    }

    var clock: Clock {
        Clock(
            monotonicNanoseconds: { self.nanoseconds },
            secondsSinceEpoch: { Double(self.nanoseconds) / 1e9 })
    }
}

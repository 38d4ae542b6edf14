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

    @Test("accepts a burst at once, and rests when accepting takes more than an eighth of its time")
    func allowance() throws {
        let duration = Atomic<UInt64>(0)
        let clock = ManualClock()
        let calls = SocketCalls { call, count in
            if call == .accept { clock.advance(nanoseconds: duration.load(ordering: .relaxed)) }
            return .moved(count)
        }
        let host = try Host(maximumConnections: 100, calls: calls, clock: clock)
        let clients = try (0..<60).map { _ in try host.connect() }
        host.acceptOnce()
        #expect(host.server.count == 16, "few in a turn")
        host.acceptOnce()
        #expect(host.server.count == 32)
        // 5 ms last for 5 that take 1 ms each; none of the time in between is long enough to add any.
        duration.store(1_000_000, ordering: .relaxed)
        host.acceptOnce()
        #expect(host.server.count == 37)
        let end = try #require(host.server.deadline)
        #expect(end == clock.nanoseconds + 1_000_000)
        host.acceptOnce()
        #expect(host.server.count == 37, "the listener is not watched")
        clock.advance(nanoseconds: 1_000_000)
        host.acceptOnce()
        #expect(host.server.deadline == nil)
        host.acceptOnce()
        #expect(host.server.count == 38)
        #expect(host.server.deadline == clock.nanoseconds + 8_000_000, "0.125 ms had accrued, and 1 ms was charged")
        withExtendedLifetime(clients) {}
    }

    @Test("owes little for a turn in which its thread did not run")
    func longTurn() {
        var allowance = AcceptAllowance(now: 0)
        allowance.charge(now: 10_000_000_000)
        #expect(!allowance.isUsedUp)
        for second in 11..<15 { allowance.charge(now: UInt64(second) * 1_000_000_000) }
        #expect(allowance.isUsedUp && allowance.restEnd == 14_001_000_000)
        allowance.accrue(now: 15_000_000_000)
        for second in 16..<20 { allowance.charge(now: UInt64(second) * 1_000_000_000) }
        #expect(!allowance.isUsedUp, "5 ms had accrued")
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
    let clock: ManualClock
    var tokens: [UInt64] = []
    private let poll: EventPoll
    private let directory = TemporaryDirectory()

    init(
        maximumConnections: Int, idleConnections: LocalServer<Connection>.IdleConnections = .stay,
        calls: SocketCalls = .system, poll: EventPoll? = nil, number: UInt8 = 1, clock: ManualClock = ManualClock()
    ) throws {
        self.clock = clock
        control = try LocalServerControl(maximumConnections: maximumConnections)
        self.poll = try poll ?? EventPoll()
        server = try LocalServer(
            UnixListener(path: directory.file("s"), mode: 0o600), number: number, on: self.poll,
            control: control, idleConnections: idleConnections, clock: clock.clock, calls: calls)
    }

    func connect() throws -> RawClient { try RawClient(path: directory.file("s")) }

    /// Does all there is to do, without waiting.
    func takeTurns() { takeTurns(with: [self]) }

    /// One turn, in which no client has anything to do.
    func acceptOnce() {
        for event in poll.wait(milliseconds: 0) { _ = server.connection(of: event) }
        server.acceptWaiting(for: self)
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

    func advance(milliseconds: UInt64) { advance(nanoseconds: milliseconds * 1_000_000) }

    func advance(nanoseconds: UInt64) { time.add(nanoseconds, ordering: .relaxed) }

    var clock: Clock {
        Clock(
            monotonicNanoseconds: { self.nanoseconds },
            secondsSinceEpoch: { Double(self.nanoseconds) / 1e9 })
    }
}

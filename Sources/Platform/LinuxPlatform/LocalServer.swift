// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A connection of a `LocalServer`, with what its protocol keeps for it. For the server's thread.
package protocol LocalConnection: AnyObject {
    var socket: AcceptedSocket { get }
    /// Whether closing the connection takes nothing from its client: no request is under way, and none waits unread.
    var isIdle: Bool { get }
}

/// The protocol that a `LocalServer` serves: what the server cannot know of connections.
package protocol LocalService: AnyObject {
    associatedtype Connection: LocalConnection

    /// Makes the connection of a socket that was accepted. It is watched for input from then on.
    func makeConnection(_ socket: AcceptedSocket) -> Connection

    /// Closes a connection, whatever it is doing. Has to call `LocalServer.remove`.
    func close(_ connection: Connection)

    /// Says farewell to a newcomer for which there is no room; its socket is closed afterwards.
    func refuse(_ newcomer: Descriptor)
}

/// An accepted connection as the `LocalServer` knows it. For the server's thread.
package final class AcceptedSocket {
    package let descriptor: Descriptor
    package let peer: PeerCredentials
    /// Names the connection in the poll. No two connections of a server have the same, and a later one has a higher.
    package let token: UInt64
    /// Since when the connection has had nothing under way, in monotonic nanoseconds, for services that say so: the
    /// moment of its last request. Initially that of its acceptance.
    package var idleSince: UInt64
    /// What the poll watches the connection for.
    package fileprivate(set) var interest = EventPoll.Interest.readable

    fileprivate init(
        _ descriptor: Descriptor, peer: PeerCredentials, token: UInt64, now: UInt64
    ) {
        self.descriptor = descriptor
        self.peer = peer
        self.token = token
        idleSince = now
    }
}

/// A listening socket and its connections: accepts them, bounds their number, makes room fairly, rests when the
/// process runs out of descriptors, and keeps what the poll watches. For one thread.
///
/// Several servers may share a poll, each with a number of its own. In each turn the thread waits for events, gives
/// them to `connection(of:)`, lets connections that can go on do so, and calls `acceptWaiting` last, so that clients
/// that have just asked for something are not taken for idle ones.
package final class LocalServer<Connection: LocalConnection> {
    /// What a server does with idle connections.
    package enum IdleConnections: Sendable {
        /// They stay, unless their user has more than a fair share.
        case stay
        /// The one that has been idle for longest makes room for any newcomer, and they are closed when the maximum
        /// falls below the number of connections.
        case yield
    }

    private let listener: UnixListener
    private let control: LocalServerControl
    private let poll: EventPoll
    private let idleConnections: IdleConnections
    private let clock: Clock
    private let calls: SocketCalls
    private let listenerToken: UInt64

    /// The connection of each slot.
    private var slots: [Connection?] = []
    private var freeSlots: [Int] = []
    private var nextSerial: UInt64 = 1
    private var share = FairShare()
    /// How many connections there are.
    package private(set) var count = 0
    private var acceptance = Acceptance.watching
    private var allowance: AcceptAllowance

    /// What the server does about connections that wait to be accepted.
    private enum Acceptance {
        /// The poll tells when there are any.
        case watching
        /// There are some.
        case due
        /// The process ran out of descriptors, or the allowance is used up: none is accepted until that moment, in
        /// monotonic nanoseconds. The listener stays readable, so that the thread would spin if it were watched.
        case resting(until: UInt64)
    }

    /// - Parameters:
    ///   - number: tells the servers of one poll apart; at least 1.
    package init(
        _ listener: UnixListener, number: UInt8 = 1, on poll: EventPoll,
        control: LocalServerControl, idleConnections: IdleConnections,
        clock: Clock = .system, calls: SocketCalls = .system
    ) throws(SystemError) {
        precondition(number > 0)
        self.listener = listener
        self.control = control
        self.poll = poll
        self.idleConnections = idleConnections
        self.clock = clock
        self.calls = calls
        listenerToken = Token.make(server: number, serial: 0, slot: 0)
        allowance = AcceptAllowance(now: clock.monotonicNanoseconds())
        try poll.add(listener.descriptor, .readable, token: listenerToken)
    }

    // MARK: Events

    /// The connection that an event is about; nil when the event is not about a connection of this server that is
    /// still open. Notes that connections wait to be accepted, when that is the event.
    package func connection(of event: EventPoll.Event) -> Connection? {
        if event.token == listenerToken {
            if case .watching = acceptance { acceptance = .due }
            return nil
        }
        return connection(token: event.token)
    }

    /// The connection of a token; nil when it is not that of an open connection of this server.
    package func connection(token: UInt64) -> Connection? {
        let slot = Token.slot(of: token)
        guard slot < slots.count, let connection = slots[slot], connection.socket.token == token
        else { return nil }
        return connection
    }

    /// When the server next has something to do without an event, in monotonic nanoseconds; nil for never.
    package var deadline: UInt64? {
        guard case .resting(let end) = acceptance else { return nil }
        return end
    }

    /// Has the poll watch a connection for something else.
    package func watch(_ socket: AcceptedSocket, _ interest: EventPoll.Interest) {
        guard socket.interest != interest else { return }
        socket.interest = interest
        poll.change(socket.descriptor, interest, token: socket.token)
    }

    // MARK: Connections

    /// The connections, in no order.
    package var connections: some Sequence<Connection> { slots.lazy.compactMap { $0 } }

    /// Forgets a connection; its socket is closed when its last owner lets go of it.
    package func remove(_ connection: Connection) {
        let slot = Token.slot(of: connection.socket.token)
        precondition(slots[slot] === connection, "a connection is closed once")
        poll.remove(connection.socket.descriptor)
        slots[slot] = nil
        freeSlots.append(slot)
        share.remove(connection.socket.peer.userID)
        count -= 1
    }

    private func insert(_ connection: Connection) {
        slots[Token.slot(of: connection.socket.token)] = connection
        share.add(connection.socket.peer.userID)
        count += 1
    }

    // MARK: Acceptance

    /// Accepts connections that wait, as long as the allowance lasts, and resumes accepting when a rest is over.
    package func acceptWaiting<Service: LocalService>(for service: Service)
    where Service.Connection == Connection {
        switch acceptance {
        case .watching: break
        case .due: acceptBatch(for: service)
        case .resting(let end):
            guard clock.monotonicNanoseconds() >= end else { break }
            acceptance = .watching
            poll.change(listener.descriptor, .readable, token: listenerToken)
        }
        closeSurplus(of: service)
    }

    private func acceptBatch<Service: LocalService>(for service: Service)
    where Service.Connection == Connection {
        acceptance = .watching
        allowance.accrue(now: clock.monotonicNanoseconds())
        do {
            for _ in 0..<LocalServerLimits.acceptsPerTurn {
                guard !allowance.isUsedUp else { return rest(until: allowance.restEnd) }
                guard let descriptor = try calls.accept(on: listener) else { return }
                admit(descriptor, to: service)
                allowance.charge(now: clock.monotonicNanoseconds())
            }
        } catch {
            rest(until: clock.monotonicNanoseconds() + LocalServerLimits.acceptRest)
        }
    }

    private func rest(until end: UInt64) {
        acceptance = .resting(until: end)
        poll.change(listener.descriptor, [], token: listenerToken)
    }

    private func admit<Service: LocalService>(_ descriptor: Descriptor, to service: Service)
    where Service.Connection == Connection {
        // One that came and went costs nobody a place.
        guard !calls.hasGone(descriptor) else { return }
        do {
            let peer = try calls.peer(of: descriptor)
            guard makeRoom(for: peer.userID, in: service) else { return service.refuse(descriptor) }
            let slot = freeSlots.last ?? slots.count
            let token = Token.make(
                server: Token.server(of: listenerToken), serial: nextSerial, slot: slot)
            let socket = AcceptedSocket(
                descriptor, peer: peer, token: token, now: clock.monotonicNanoseconds())
            try poll.add(descriptor, socket.interest, token: token)
            nextSerial += 1
            if freeSlots.popLast() == nil { slots.append(nil) }
            insert(service.makeConnection(socket))
        } catch {
            // The client has gone meanwhile, or the kernel is out of memory: the client sees a close.
        }
    }

    // MARK: Room

    /// Makes room for a connection of a user, if there is none.
    ///
    /// - Returns: whether there is room now.
    private func makeRoom<Service: LocalService>(
        for newcomer: UInt32, in service: Service
    ) -> Bool where Service.Connection == Connection {
        let all = control.maximumConnections.load(ordering: .relaxed)
        let reserve = LocalServerControl.isPrivileged(newcomer) ? 0 : LocalServerControl.reserve(of: all)
        if count < min(all - reserve, Token.maximumSlots) { return true }
        control.refused.add(1, ordering: .relaxed)
        // After the maximum was lowered a victim would make no room.
        guard let victim = idlest() ?? (count <= all ? fairVictim(for: newcomer) : nil) else { return false }
        service.close(victim)
        return true
    }

    /// The connection that a user may claim. Of a single user an idle one goes first, and of those the youngest; of
    /// several users the one that has been idle for longest.
    private func fairVictim(for newcomer: UInt32) -> Connection? {
        switch share.concession(to: newcomer) {
        case .connection(let user):
            connections.lazy.filter { $0.socket.peer.userID == user }
                .max { ($0.isIdle ? 1 : 0, $0.socket.token) < ($1.isIdle ? 1 : 0, $1.socket.token) }
        case .idleConnection(let least):
            idlest { [share] in share.count(of: $0.socket.peer.userID) >= least }
        case .none: nil
        }
    }

    /// The connection that has been idle for longest, where idle ones yield.
    private func idlest() -> Connection? {
        idleConnections == .yield ? idlest { _ in true } : nil
    }

    private func idlest(where isCandidate: (Connection) -> Bool) -> Connection? {
        var idlest: Connection?
        for slot in slots.indices {
            guard let connection = slots[slot], isCandidate(connection),
                connection.socket.idleSince < idlest?.socket.idleSince ?? .max, connection.isIdle
            else { continue }
            idlest = connection
        }
        return idlest
    }

    private func closeSurplus<Service: LocalService>(of service: Service)
    where Service.Connection == Connection {
        while count > control.maximumConnections.load(ordering: .relaxed), let victim = idlest() {
            service.close(victim)
        }
    }
}

/// The limits of every `LocalServer`.
private enum LocalServerLimits {
    /// How many connections are accepted in a turn: few, so that clients that have gone are noticed before they keep
    /// others out, and those that are served wait for little.
    static let acceptsPerTurn = 16
    /// How long accepting rests when the process has no descriptors left, in nanoseconds.
    static let acceptRest: UInt64 = 100_000_000
}

/// The tokens of the descriptors in a poll that servers share: the number of the server in the highest 8 bits, then
/// 40 bits of a serial number that grows with each connection, then 16 bits of the connection's slot. Tokens of server
/// 0 are those of other descriptors.
private enum Token {
    static let maximumSlots = 1 << 16

    static func make(server: UInt8, serial: UInt64, slot: Int) -> UInt64 {
        precondition(serial < 1 << 40 && slot < maximumSlots)
        return UInt64(server) << 56 | serial << 16 | UInt64(slot)
    }

    static func server(of token: UInt64) -> UInt8 { UInt8(token >> 56) }
    static func slot(of token: UInt64) -> Int { Int(token & UInt64(maximumSlots - 1)) }
}

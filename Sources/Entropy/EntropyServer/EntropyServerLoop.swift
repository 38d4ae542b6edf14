// SPDX-License-Identifier: Apache-2.0

import CLinux
import EntropyProtocol
import EntropyRing
import EntropyTerms
import Glibc
import LinuxPlatform
import Synchronization

/// The server's thread: one poll, and each connection that can go on in turn, for one quantum.
///
/// Bits go from the ring to the socket without a copy in between: what the kernel took is the
/// client's, delivered or lost with it, and is wiped; what it did not take is still nobody's.
final class EntropyServerLoop {
    /// How many bytes of bits a connection may send before it is the next one's turn.
    private static let quantum = 64 * 1024
    /// How many connections are accepted before those that are there get their turn.
    private static let acceptBatch = 64
    /// How long accepting rests when the process has no descriptors left, in milliseconds.
    private static let acceptRest: Int32 = 100
    private static let millisecond: UInt64 = 1_000_000

    private enum Token {
        static let listener: UInt64 = 0
        static let stop: UInt64 = 1
        static let bits: UInt64 = 2
        static let firstConnection: UInt64 = 16
    }

    private let parts: EntropyServer.Parts
    private let server: EntropyServer
    private let stopRequested: Wakeup
    private let poll: EventPoll
    private var connections: [UInt64: EntropyConnection] = [:]
    private var nextToken = Token.firstConnection
    /// Connections that can go on.
    private var runnable: [EntropyConnection] = []
    /// Connections that wait for bits, longest first.
    private var hungry: [EntropyConnection] = []
    /// How many in `hungry` wait no more.
    private var leftHungry = 0
    /// When to accept again, in monotonic nanoseconds, after the process ran out of descriptors; nil
    /// when it did not.
    private var acceptsAgain: UInt64?
    private let inbox: UnsafeMutableRawBufferPointer

    init(
        _ parts: EntropyServer.Parts, server: EntropyServer, stopRequested: Wakeup
    ) throws(SystemError) {
        self.parts = parts
        self.server = server
        self.stopRequested = stopRequested
        poll = try EventPoll()
        inbox = .allocate(byteCount: EntropySession.inboxLimit, alignment: 16)
        try poll.add(parts.listener.descriptor, .readable, token: Token.listener)
        try poll.add(stopRequested.descriptor, .readable, token: Token.stop)
        try poll.add(parts.bitsArrived.descriptor, .readable, token: Token.bits)
    }

    deinit { inbox.deallocate() }

    func run() {
        while true {
            let events = server.heartbeat.waiting { poll.wait(milliseconds: waitLimit) }
            resumeAcceptingIfDue()
            for event in events {
                switch event.token {
                case Token.stop: return shutDown()
                case Token.listener: accept()
                case Token.bits: feed()
                default: ready(event)
                }
            }
            takeTurns()
            awaitFood()
        }
    }

    private var waitLimit: Int32? {
        if !runnable.isEmpty { return 0 }
        return acceptsAgain == nil ? nil : Self.acceptRest
    }

    // MARK: Events

    private func accept() {
        for _ in 0..<Self.acceptBatch {
            do {
                guard let socket = try parts.listener.accept() else { return }
                admit(socket)
            } catch {
                // No descriptors or no memory: the listener would be reported again at once.
                acceptsAgain = monotonicNanoseconds() + UInt64(Self.acceptRest) * Self.millisecond
                poll.change(parts.listener.descriptor, [], token: Token.listener)
                return
            }
        }
    }

    /// However busy the clients that are there keep this thread.
    private func resumeAcceptingIfDue() {
        guard let moment = acceptsAgain, monotonicNanoseconds() >= moment else { return }
        acceptsAgain = nil
        poll.change(parts.listener.descriptor, .readable, token: Token.listener)
    }

    private func admit(_ socket: Descriptor) {
        let connection: EntropyConnection
        do {
            connection = try EntropyConnection(socket: socket, token: nextToken)
            guard isThereRoom(for: connection.client) else { return turnAway(socket) }
            try poll.add(socket, connection.interest, token: connection.token)
        } catch {
            return
        }
        nextToken += 1
        connections[connection.token] = connection
        server.connected.withLock { $0[connection.token] = connection.client }
    }

    /// Whether there is room, or is now: the user with the most connections gives up one for another's.
    private func isThereRoom(for newcomer: ServerClient) -> Bool {
        let maximum = server.maximumClients.load(ordering: .relaxed)
        if connections.count < maximum { return true }
        let users = connections.values.map(\.client.userID)
        guard connections.count == maximum,
            let user = userToMakeRoom(for: newcomer.userID, among: users),
            let victim = connections.values.filter({ $0.client.userID == user }).max(by: {
                ($0.session.action == .receive ? 1 : 0, $0.token)
                    < ($1.session.action == .receive ? 1 : 0, $1.token)
            })
        else { return false }
        server.clientsRefused.add(1, ordering: .relaxed)
        drop(victim)
        return true
    }

    private func turnAway(_ socket: Descriptor) {
        server.clientsRefused.add(1, ordering: .relaxed)
        var header = [UInt8](repeating: 0, count: EntropyReply.byteCount)
        header.withUnsafeMutableBytes { bytes in
            EntropyReply.refusal(.overQuota, grade: .raw, tag: 0).write(to: bytes)
            _ = send(socket.raw, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        }
    }

    /// Bits have arrived, or were discarded.
    private func feed() {
        parts.bitsArrived.clear()
        for source in parts.sources { source.wipeDiscarded() }
        for connection in hungry where connection.queue == .hungry {
            connection.queue = .runnable
            runnable.append(connection)
        }
        hungry.removeAll(keepingCapacity: true)
        leftHungry = 0
    }

    private func ready(_ event: EventPoll.Event) {
        guard let connection = connections[event.token] else { return }
        if event.isHungUp {
            connection.session.disconnected()
            // The poll would report it again and again while the connection waits for bits.
            if connection.queue == .hungry { leaveHungry(connection) }
        }
        guard connection.queue == .none || event.isHungUp, connection.queue != .runnable
        else { return }
        connection.queue = .runnable
        runnable.append(connection)
    }

    /// Takes a connection out of `hungry`, which is tidied when half of it is stale: of very many that go at
    /// once, each would otherwise be looked for among all.
    private func leaveHungry(_ connection: EntropyConnection) {
        connection.queue = .none
        leftHungry += 1
        guard 2 * leftHungry > hungry.count else { return }
        hungry.removeAll { $0.queue != .hungry }
        leftHungry = 0
    }

    /// Asks the sources to wake this thread when bits arrive for hungry clients, and looks again.
    private func awaitFood() {
        guard !hungry.isEmpty else { return }
        for source in parts.sources { source.consumerWillWait() }
        if hungry.contains(where: { $0.queue == .hungry && isThereFood(for: $0) }) { feed() }
    }

    private func isThereFood(for connection: EntropyConnection) -> Bool {
        switch connection.session.action {
        case .seekBits(let request):
            source(for: request) != nil || isOver
        case .send(_, let grade):
            connection.source.map { $0.hasEnded || $0.deliverableCount(grade) > 0 } ?? true
        case .receive, .answerInfo, .close:
            true
        }
    }

    /// The source that has the most bits for a request, if one has enough: all of them when no more
    /// come, or the client does not wait for more.
    private func source(for request: EntropyRequest) -> EntropySource? {
        let counts = parts.sources.map { source in
            let wantsAll = source.hasEnded || request.flags.contains(.nonBlocking)
            let count = source.deliverableCount(request.grade)
            return (
                source: source, count: count >= (wantsAll ? Int(request.length) : 1) ? count : 0
            )
        }
        return counts.max { $0.count < $1.count }.flatMap { $0.count > 0 ? $0.source : nil }
    }

    /// Whether no source will ever give more bits than it has.
    private var isOver: Bool { !parts.sources.isEmpty && parts.sources.allSatisfy(\.hasEnded) }

    // MARK: Turns

    /// What a turn of a connection ended with.
    private enum Outcome {
        case again
        case needs(EventPoll.Interest)
        case needsBits
        case finished
    }

    private func takeTurns() {
        let turn = runnable
        runnable.removeAll(keepingCapacity: true)
        for connection in turn {
            switch step(connection) {
            case .again:
                runnable.append(connection)
            case .needs(let interest):
                connection.queue = .none
                watch(connection, interest)
            case .needsBits:
                watch(connection, [])
                connection.queue = .hungry
                hungry.append(connection)
            case .finished:
                close(connection)
            }
        }
    }

    private func step(_ connection: EntropyConnection) -> Outcome {
        switch connection.session.action {
        case .receive:
            return receive(connection)
        case .seekBits(let request):
            return seekBits(for: request, connection)
        case .answerInfo:
            connection.session.answer(
                info: parts.info(), provenance: parts.sources.first?.provenance ?? .hardware,
                healthEpoch: parts.sources.first?.healthEpoch.load(ordering: .relaxed) ?? 0)
            return .again
        case .send(let bits, let grade):
            return transmit(connection, bits: bits, grade: grade)
        case .close:
            return .finished
        }
    }

    private func receive(_ connection: EntropyConnection) -> Outcome {
        let room = connection.session.inboxRoom
        switch transfer({ recv(connection.socket.raw, inbox.baseAddress, room, 0) }) {
        case .moved(let count):
            connection.session.received(UnsafeRawBufferPointer(rebasing: inbox[..<count]))
            return connection.session.action == .receive ? .needs(.readable) : .again
        case .wouldBlock:
            return .needs(.readable)
        case .ended:
            return .finished
        }
    }

    private func seekBits(for request: EntropyRequest, _ connection: EntropyConnection) -> Outcome {
        let isOver = isOver
        guard let best = source(for: request) else {
            guard isOver || request.flags.contains(.nonBlocking) else { return .needsBits }
            connection.session.refuse(.unavailable, isLast: false)
            return .again
        }
        connection.source = best
        connection.isImpatient = request.flags.contains(.nonBlocking)
        connection.session.begin(
            request, provenance: best.provenance,
            healthEpoch: best.healthEpoch.load(ordering: .relaxed))
        // In the same turn, or the bits that are there would be gone to others by the next one.
        return transmit(connection, bits: Int(request.length), grade: request.grade)
    }

    private func transmit(_ connection: EntropyConnection, bits: Int, grade: Grade) -> Outcome {
        let span =
            bits > 0 ? connection.source?.deliverable(grade) : nil
        let offered = min(span?.count ?? 0, bits, Self.quantum)
        let head = connection.session.outbox
        guard head.count + offered > 0 else {
            return isLeftAlone(connection, grade) ? .finished : .needsBits
        }
        let result = transfer {
            head.withUnsafeBytes {
                clinux_send_two(
                    connection.socket.raw, $0.baseAddress, $0.count, span?.baseAddress, offered)
            }
        }
        switch result {
        case .moved(let count):
            if count > head.count { deliver(count - head.count, of: grade, from: connection) }
            connection.session.sent(count)
            return count == head.count + offered ? .again : .needs(.writable)
        case .wouldBlock:
            return .needs(.writable)
        case .ended:
            return .finished
        }
    }

    /// Whether the bits that were promised do not come: who asked not to wait was promised bits that have
    /// been discarded since, or the board has ended. Nothing but the end of the connection can tell that.
    private func isLeftAlone(_ connection: EntropyConnection, _ grade: Grade) -> Bool {
        guard let source = connection.source else { return false }
        if connection.isImpatient, !source.isOpen { return true }
        return source.hasEnded && source.deliverableCount(grade) == 0
    }

    private func deliver(_ count: Int, of grade: Grade, from connection: EntropyConnection) {
        guard let source = connection.source else { return }
        source.remove(count, of: grade)
        let now = monotonicNanoseconds()
        source.ring(of: grade)?.deliveredPerSecond.add(count, now: now)
        connection.client.deliver(count, now: now)
    }

    // MARK: Connections

    private func watch(_ connection: EntropyConnection, _ interest: EventPoll.Interest) {
        guard connection.interest != interest else { return }
        connection.interest = interest
        poll.change(connection.socket, interest, token: connection.token)
    }

    private func close(_ connection: EntropyConnection) {
        connection.session.disconnected()
        poll.remove(connection.socket)
        connections[connection.token] = nil
        server.connected.withLock { $0[connection.token] = nil }
    }

    /// Closes a connection that may have something under way: what the kernel has not taken is nobody's yet.
    private func drop(_ connection: EntropyConnection) {
        runnable.removeAll { $0 === connection }
        if connection.queue == .hungry { leaveHungry(connection) }
        close(connection)
    }

    private func shutDown() {
        for connection in connections.values {
            connection.session.shutDown()
            if case .send = connection.session.action {
                _ = transmit(connection, bits: 0, grade: .raw)
            }
        }
        connections.removeAll()
        server.connected.withLock { $0.removeAll() }
    }
}

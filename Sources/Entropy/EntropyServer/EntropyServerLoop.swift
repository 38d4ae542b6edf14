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

    private enum Token {
        static let stop: UInt64 = 1
        static let bits: UInt64 = 2
    }

    private let parts: EntropyServer.Parts
    private unowned let server: EntropyServer
    private let control: LocalServerControl
    private let poll: EventPoll
    private let clients: LocalServer<EntropyConnection>
    /// Connections that can go on.
    private var runnable: [EntropyConnection] = []
    /// Connections that wait for bits, longest first.
    private var hungry: [EntropyConnection] = []
    /// How many in `hungry` wait no more.
    private var leftHungry = 0
    private let inbox: UnsafeMutableRawBufferPointer

    init(
        _ parts: EntropyServer.Parts, server: EntropyServer, _ control: LocalServerControl
    ) throws(SystemError) {
        self.parts = parts
        self.server = server
        self.control = control
        poll = try EventPoll()
        clients = try LocalServer(
            parts.listener, on: poll, control: control, idleConnections: .stay)
        inbox = .allocate(byteCount: EntropySession.inboxLimit, alignment: 16)
        try poll.add(control.wakeup.descriptor, .readable, token: Token.stop)
        try poll.add(parts.bitsArrived.descriptor, .readable, token: Token.bits)
    }

    deinit { inbox.deallocate() }

    /// Waits for something to do, and does it.
    ///
    /// - Parameter limit: how long to wait at most, in milliseconds; nil for as long as it takes.
    /// - Returns: false once the server has stopped; then every connection is closed.
    func turn(limit: Int32? = nil) -> Bool {
        for event in control.heartbeat.waiting({ poll.wait(milliseconds: wait(atMost: limit)) }) {
            switch event.token {
            case Token.stop: control.wakeup.clear()
            case Token.bits: feed()
            default: if let connection = clients.connection(of: event) { ready(connection, event) }
            }
        }
        guard !control.isStopping else {
            shutDown()
            return false
        }
        takeTurns()
        clients.acceptWaiting(for: self)
        awaitFood()
        return true
    }

    private func wait(atMost limit: Int32?) -> Int32? {
        if !runnable.isEmpty { return 0 }
        guard let due = Clock.system.milliseconds(until: clients.deadline) else { return limit }
        return min(due, limit ?? due)
    }

    // MARK: Events

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

    private func ready(_ connection: EntropyConnection, _ event: EventPoll.Event) {
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
                clients.watch(connection.socket, interest)
            case .needsBits:
                clients.watch(connection.socket, [])
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
        switch transfer({ recv(connection.socket.descriptor.raw, inbox.baseAddress, room, 0) }) {
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
                    connection.socket.descriptor.raw, $0.baseAddress, $0.count, span?.baseAddress,
                    offered)
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

    private func shutDown() {
        for connection in clients.connections {
            connection.session.shutDown()
            if case .send = connection.session.action {
                _ = transmit(connection, bits: 0, grade: .raw)
            }
            close(connection)
        }
    }
}

// MARK: Connections

extension EntropyServerLoop: LocalService {
    func makeConnection(_ socket: AcceptedSocket) -> EntropyConnection {
        let connection = EntropyConnection(socket)
        server.connected.withLock { $0[socket.token] = connection.client }
        return connection
    }

    /// Closes a connection that may have something under way: what the kernel has not taken is nobody's yet.
    func close(_ connection: EntropyConnection) {
        runnable.removeAll { $0 === connection }
        if connection.queue == .hungry { leaveHungry(connection) }
        connection.session.disconnected()
        clients.remove(connection)
        _ = server.connected.withLock { $0.removeValue(forKey: connection.socket.token) }
    }

    func refuse(_ newcomer: Descriptor) {
        var header = [UInt8](repeating: 0, count: EntropyReply.byteCount)
        header.withUnsafeMutableBytes { bytes in
            EntropyReply.refusal(.overQuota, grade: .raw, tag: 0).write(to: bytes)
            _ = send(newcomer.raw, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        }
    }
}

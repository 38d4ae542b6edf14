// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform

/// The event loop of a server. Made on one thread, and then used by another.
final class VarlinkLoop: @unchecked Sendable {
    private static let wakeupToken: UInt64 = 0

    private let control: LocalServerControl
    private let service: VarlinkService
    private let requestLimit: Int
    private let clock: Clock
    private let changedStreams: ChangedStreams
    private let poll: EventPoll
    private let server: LocalServer<VarlinkConnection>
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 16_384, alignment: 16)
    /// Connections whose next call is here already, by token: each has one answered in a turn, so that none starves.
    private var runnable: [UInt64: VarlinkConnection] = [:]

    init(
        control: LocalServerControl, listener: UnixListener, service: VarlinkService,
        requestLimit: Int, clock: Clock
    ) throws(SystemError) {
        self.control = control
        self.service = service
        self.requestLimit = requestLimit
        self.clock = clock
        changedStreams = ChangedStreams(wakeup: control.wakeup)
        poll = try EventPoll()
        server = try LocalServer(
            listener, on: poll, control: control, idleConnections: .yield, clock: clock)
        try poll.add(control.wakeup.descriptor, .readable, token: Self.wakeupToken)
    }

    deinit { buffer.deallocate() }

    /// Waits for something to do, and does it.
    ///
    /// - Parameter limit: how long to wait at most, in milliseconds; nil for as long as it takes.
    /// - Returns: false once the server has stopped; then every connection is closed.
    func turn(limit: Int32? = nil) -> Bool {
        let wait = [limit, timeout()].compactMap { $0 }.min()
        for event in control.heartbeat.waiting({ poll.wait(milliseconds: wait) }) {
            if event.token == Self.wakeupToken {
                noticeChanges()
            } else if let connection = server.connection(of: event) {
                handle(event, of: connection)
            }
        }
        for connection in runnable.values { takeTurn(connection) }
        server.acceptWaiting(for: self)
        advanceStreams(now: clock.monotonicNanoseconds())
        guard control.isStopping else { return true }
        for connection in server.connections { close(connection) }
        return false
    }

    private func noticeChanges() {
        control.wakeup.clear()
        for token in changedStreams.takeAll() {
            server.connection(token: token)?.session.streamChanged()
        }
    }

    // MARK: Time

    /// How long the poll may sleep, in milliseconds; nil when nothing is planned.
    private func timeout() -> Int32? {
        guard runnable.isEmpty else { return 0 }
        let streams = server.connections.compactMap(\.session.streamDue).min()
        return clock.milliseconds(until: [streams, server.deadline].compactMap { $0 }.min())
    }

    private func advanceStreams(now: UInt64) {
        for connection in server.connections {
            guard let due = connection.session.streamDue, due <= now, !isStopping else { continue }
            do {
                try connection.session.advanceStream(now: now)
                settle(connection)
            } catch {
                close(connection)
            }
        }
    }

    private var isStopping: Bool { control.isStopping }

    // MARK: Clients

    private func handle(_ event: EventPoll.Event, of connection: VarlinkConnection) {
        if connection.session.wantsInput {
            connection.receive(using: buffer)
        } else if event.isHungUp && !connection.session.canStep {
            // A reply or a stream that nobody can take any more.
            return close(connection)
        }
        settle(connection)
    }

    /// Answers one call of a client that has one waiting.
    private func takeTurn(_ connection: VarlinkConnection) {
        guard !isStopping else { return }
        switch connection.session.step() {
        case .wait: settle(connection)
        case .close: close(connection)
        case .call(let message): answer(message, of: connection)
        }
    }

    private func answer(_ message: CallMessage, of connection: VarlinkConnection) {
        let now = clock.monotonicNanoseconds()
        connection.socket.idleSince = now
        let descriptor = connection.session.takeDescriptor()
        do {
            let answer = Result { () throws(VarlinkError) in
                try service.answer(message, from: connection.socket.peer, with: descriptor)
            }
            if !message.oneway {
                switch answer {
                case .success(let answer):
                    try connection.session.answer(answer, wantsMore: message.more, now: now)
                    changedStreams.listen(to: answer, for: connection.socket.token)
                case .failure(let error): try connection.session.fail(error)
                }
            }
            settle(connection)
        } catch {
            close(connection)
        }
    }

    /// Sends what a client is owed and makes the poll and the turns fit its session.
    private func settle(_ connection: VarlinkConnection) {
        guard connection.send() == .open else { return close(connection) }
        let token = connection.socket.token
        runnable[token] = connection.session.canStep ? connection : nil
        server.watch(connection.socket, connection.wantedInterest)
    }
}

// MARK: Admission

extension VarlinkLoop: LocalService {
    func makeConnection(_ socket: AcceptedSocket) -> VarlinkConnection {
        VarlinkConnection(socket, requestLimit: requestLimit)
    }

    func close(_ connection: VarlinkConnection) {
        runnable[connection.socket.token] = nil
        server.remove(connection)
    }

    /// Says nothing: Varlink has no word for it.
    func refuse(_ newcomer: Descriptor) {}
}

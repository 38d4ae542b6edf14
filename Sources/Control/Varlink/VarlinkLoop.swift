// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import Synchronization

/// What other threads tell the loop.
final class VarlinkControl: Sendable {
    let isStopping = Atomic(false)
    let maximumConnections: Atomic<Int>
    let wakeup: Wakeup
    let heartbeat = Heartbeat()

    init(maximumConnections: Int) throws(SystemError) {
        self.maximumConnections = Atomic(maximumConnections)
        wakeup = try Wakeup()
    }
}

/// The event loop of a server. Made on one thread and run, once, on another.
final class VarlinkLoop: @unchecked Sendable {
    private static let wakeupToken: UInt64 = 0
    private static let listenerToken: UInt64 = 1
    /// How long nothing is accepted after the process ran out of descriptors.
    private static let acceptPause: UInt64 = 100_000_000
    private static let acceptsPerTurn = 16

    private let control: VarlinkControl
    private let listener: UnixListener
    private let service: VarlinkService
    private let requestLimit: Int
    private let clock: Clock
    private let changedStreams: ChangedStreams
    private let poll: EventPoll
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 16_384, alignment: 16)
    private var connections: [UInt64: VarlinkConnection] = [:]
    private var nextToken: UInt64 = 2
    /// Those whose next call is here already: each has one answered in a turn, so that none starves.
    private var runnable: Set<UInt64> = []
    private var acceptsFrom: UInt64?

    init(
        control: VarlinkControl, listener: UnixListener, service: VarlinkService, requestLimit: Int,
        clock: Clock
    ) throws(SystemError) {
        self.control = control
        self.clock = clock
        changedStreams = ChangedStreams(wakeup: control.wakeup)
        self.listener = listener
        self.service = service
        self.requestLimit = requestLimit
        poll = try EventPoll()
        try poll.add(control.wakeup.descriptor, .readable, token: Self.wakeupToken)
        try poll.add(listener.descriptor, .readable, token: Self.listenerToken)
    }

    deinit { buffer.deallocate() }

    /// Serves until `isStopping`; then every connection is closed.
    func run() {
        while !control.isStopping.load(ordering: .acquiring) {
            let events = control.heartbeat.waiting { poll.wait(milliseconds: timeout()) }
            for event in events where event.token > Self.listenerToken { handle(event) }
            for token in runnable { takeTurn(token) }
            // Last, so that clients that have asked something are not taken for idle ones.
            for event in events where event.token <= Self.listenerToken { handle(event) }
            advanceTimers(now: clock.monotonicNanoseconds())
            trim()
        }
        connections.removeAll()
    }

    private func handle(_ event: EventPoll.Event) {
        switch event.token {
        case Self.wakeupToken: noticeChanges()
        case Self.listenerToken: acceptWaiting()
        default: handle(event, of: event.token)
        }
    }

    private func noticeChanges() {
        control.wakeup.clear()
        for token in changedStreams.takeAll() { connections[token]?.session.streamChanged() }
    }

    // MARK: Time

    /// How long the poll may sleep, in milliseconds; nil when nothing is planned.
    private func timeout() -> Int32? {
        guard runnable.isEmpty else { return 0 }
        let streams = connections.values.compactMap(\.session.streamDue)
        guard let next = (streams + [acceptsFrom].compactMap { $0 }).min() else { return nil }
        let now = clock.monotonicNanoseconds()
        guard next > now else { return 0 }
        return Int32(clamping: (next - now + 999_999) / 1_000_000)
    }

    private func advanceTimers(now: UInt64) {
        for connection in connections.values {
            guard let due = connection.session.streamDue, due <= now, !isStopping else { continue }
            do {
                try connection.session.advanceStream(now: now)
                settle(connection)
            } catch {
                close(connection)
            }
        }
        if let from = acceptsFrom, from <= now {
            acceptsFrom = nil
            poll.change(listener.descriptor, .readable, token: Self.listenerToken)
        }
    }

    private var isStopping: Bool { control.isStopping.load(ordering: .acquiring) }

    // MARK: Clients

    private func handle(_ event: EventPoll.Event, of token: UInt64) {
        guard let connection = connections[token] else { return }
        if connection.session.wantsInput {
            connection.receive(using: buffer)
        } else if event.isHungUp && !connection.session.canStep {
            // A reply or a stream that nobody can take any more.
            return close(connection)
        }
        settle(connection)
    }

    /// Answers one call of a client that has one waiting.
    private func takeTurn(_ token: UInt64) {
        guard let connection = connections[token], !isStopping else { return }
        switch connection.session.step() {
        case .wait: settle(connection)
        case .close: close(connection)
        case .call(let message): answer(message, of: connection)
        }
    }

    private func answer(_ message: CallMessage, of connection: VarlinkConnection) {
        let now = clock.monotonicNanoseconds()
        connection.idleSince = now
        let descriptor = connection.session.takeDescriptor()
        do {
            let answer = Result { () throws(VarlinkError) in
                try service.answer(message, from: connection.peer, with: descriptor)
            }
            if !message.oneway {
                switch answer {
                case .success(let answer):
                    try connection.session.answer(answer, wantsMore: message.more, now: now)
                    changedStreams.listen(to: answer, for: connection.token)
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
        if connection.session.canStep {
            runnable.insert(connection.token)
        } else {
            runnable.remove(connection.token)
        }
        let interest = connection.wantedInterest
        guard interest != connection.interest else { return }
        connection.interest = interest
        poll.change(connection.descriptor, interest, token: connection.token)
    }

    private func close(_ connection: VarlinkConnection) {
        poll.remove(connection.descriptor)
        connections[connection.token] = nil
        runnable.remove(connection.token)
    }

    // MARK: Admission

    private func acceptWaiting() {
        do {
            for _ in 0..<Self.acceptsPerTurn {
                guard let descriptor = try listener.accept() else { return }
                admit(descriptor)
            }
        } catch {
            // No descriptor is free. The connection stays readable, so the listener has to rest, or
            // the loop would spin.
            acceptsFrom = clock.monotonicNanoseconds() + Self.acceptPause
            poll.change(listener.descriptor, [], token: Self.listenerToken)
        }
    }

    private func admit(_ descriptor: Descriptor) {
        do {
            let connection = try VarlinkConnection(
                descriptor, token: nextToken, requestLimit: requestLimit,
                now: clock.monotonicNanoseconds())
            guard isThereRoom(for: connection.peer) else { return }
            try poll.add(descriptor, connection.interest, token: nextToken)
            connections[nextToken] = connection
            nextToken += 1
        } catch {
            // The client has gone meanwhile, or the kernel is out of memory: it sees a close.
        }
    }

    /// Whether there is room, or is now: who is idle goes, and then the youngest connection of the user with
    /// the most, if that is another user.
    private func isThereRoom(for newcomer: PeerCredentials) -> Bool {
        let maximum = control.maximumConnections.load(ordering: .relaxed)
        if connections.count < maximum || closeIdlest() { return true }
        let users = connections.values.map(\.peer.userID)
        guard connections.count == maximum,
            let user = userToMakeRoom(for: newcomer.userID, among: users),
            let victim = connections.values.filter({ $0.peer.userID == user })
                .max(by: { $0.token < $1.token })
        else { return false }
        close(victim)
        return true
    }

    /// Makes room by closing the client that has had nothing under way for longest.
    private func closeIdlest() -> Bool {
        let byAge = connections.values.sorted { $0.idleSince < $1.idleSince }
        guard let idlest = byAge.first(where: \.isIdle) else { return false }
        close(idlest)
        return true
    }

    /// Closes idle clients beyond the maximum, after that was lowered.
    private func trim() {
        while connections.count > control.maximumConnections.load(ordering: .relaxed) {
            guard closeIdlest() else { return }
        }
    }
}

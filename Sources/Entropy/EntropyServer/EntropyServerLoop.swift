// SPDX-License-Identifier: Apache-2.0

import EntropyRing
package import LinuxPlatform

/// A way for clients to be served by the server's thread, with sinks of its own for the dispenser.
///
/// Sockets in the poll have the tokens of the service's `LocalServer`, which has a number that no other has; any other
/// descriptor has a `Token` of the loop.
protocol ClientService: AnyObject {
    /// When the service has something to do without an event, in monotonic nanoseconds; nil for never.
    var deadline: UInt64? { get }

    /// Takes note of an event of the poll, if it is one of the service's.
    func handle(_ event: EventPoll.Event)

    /// Does what is left to do at the end of a turn, such as accepting clients.
    func endTurn()

    /// Ends all connections.
    func shutDown()
}

/// The work of the server's thread: one poll, and a turn for each client that can go on.
///
/// `EntropyServer` runs it on a thread. A simulation makes one, with a clock and socket calls of its own in the parts,
/// and calls `turn(limit: 0)` as often as it likes, on one thread; nothing in a turn waits then.
package final class EntropyServerLoop {
    /// The tokens of descriptors in the poll that belong to no `LocalServer`.
    enum Token {
        static let control: UInt64 = 1
        static let bits: UInt64 = 2
    }

    /// How other threads stop the server, bound its clients and see whether it moves. Any thread.
    package let control: LocalServerControl
    package let dispenser: Dispenser
    private let parts: EntropyServer.Parts
    private let poll: EventPoll
    private let runQueue = RunQueue()
    private let services: [any ClientService]

    /// - Throws: when there is no descriptor to be had.
    package init(_ parts: EntropyServer.Parts, maximumClients: Int) throws(SystemError) {
        self.parts = parts
        control = try LocalServerControl(maximumConnections: maximumClients)
        dispenser = Dispenser(parts.sources, clock: parts.clock)
        poll = try EventPoll()
        let shared = SharedParts(parts: parts, dispenser: dispenser, runQueue: runQueue, poll: poll)
        var services: [any ClientService] = [
            try SessionService(
                EntropyPlane(parts: parts), on: parts.listener, number: 1, control: control, shared)
        ]
        if let egd = parts.egd {
            services.append(
                try SessionService(
                    EGDPlane(settings: egd, dispenser: dispenser), on: egd.listener, number: 2,
                    control: LocalServerControl(maximumConnections: egd.maximumClients), shared))
        }
        self.services = services
        try poll.add(control.wakeup.descriptor, .readable, token: Token.control)
        try poll.add(parts.bitsArrived.descriptor, .readable, token: Token.bits)
    }

    /// Waits for events, and does what they allow: a turn for each client that can go on.
    ///
    /// - Parameter limit: how long to wait at most, in milliseconds; nil for as long as it takes.
    /// - Returns: false once the server has stopped; then every connection is closed.
    package func turn(limit: Int32? = nil) -> Bool {
        let wait = waitLimit(atMost: limit)
        for event in control.heartbeat.waiting({ poll.wait(milliseconds: wait) }) {
            switch event.token {
            case Token.control: control.wakeup.clear()
            case Token.bits:
                parts.bitsArrived.clear()
                dispenser.bitsArrived()
            default: forEachService { $0.handle(event) }
            }
        }
        guard !control.isStopping else {
            forEachService { $0.shutDown() }
            return false
        }
        runQueue.takeTurns()
        forEachService { $0.endTurn() }
        dispenser.prepareToSleep()
        return true
    }

    /// Whether events wait for the next turn.
    package var hasEvents: Bool { poll.hasEvents }

    /// When the next turn is due though nothing happens, in monotonic nanoseconds: 0 for at once, nil for never.
    package var deadline: UInt64? {
        if !runQueue.isEmpty { return 0 }
        var first: UInt64?
        forEachService { service in
            guard let deadline = service.deadline else { return }
            first = min(first ?? deadline, deadline)
        }
        return first
    }

    // An iterator over an array would allocate in builds that are not optimized.
    private func forEachService(_ body: (any ClientService) -> Void) {
        for index in services.indices { body(services[index]) }
    }

    private func waitLimit(atMost limit: Int32?) -> Int32? {
        guard let due = parts.clock.milliseconds(until: deadline) else { return limit }
        return min(due, limit ?? due)
    }
}

// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import Synchronization
import Varlink

/// The watches of all clients: their number for each user, and the status that they share.
///
/// However many clients watch, the status of a board is made and encoded at most once in a tick, except for the first
/// reply to each of them, which is made when it is asked for.
final class Watches: Sendable {
    /// The length of a tick, in nanoseconds: the shortest interval of a watch.
    private static let tick = UInt64(watchIntervals.lowerBound * 1e9)

    private let maximumConnections: @Sendable () -> Int
    private let clock: Clock
    private let state = Mutex(State())

    private struct State {
        /// The watches of each user that has any.
        var counts: [UInt32: Int] = [:]
        /// The tick that `replies` were made in.
        var tick: UInt64 = 0
        /// The reply about each board, by its name; nil is all boards.
        var replies: [String?: SharedReply] = [:]
    }

    init(maximumConnections: @escaping @Sendable () -> Int, clock: Clock) {
        self.maximumConnections = maximumConnections
        self.clock = clock
    }

    /// Begins a watch of a user.
    ///
    /// A user's watches take at most three quarters of all connections, so that there is room for its calls.
    func begin(for user: UInt32) throws(VarlinkError) -> Watch {
        let limit = max(1, maximumConnections() * 3 / 4)
        let isAdmitted = state.withLock { state in
            guard state.counts[user, default: 0] < limit else { return false }
            state.counts[user, default: 0] += 1
            return true
        }
        guard isAdmitted else { throw .control(.tooManyWatches(limit: limit)) }
        return Watch(self, user: user)
    }

    fileprivate func end(for user: UInt32) {
        state.withLock { state in
            guard let count = state.counts[user] else { preconditionFailure("a watch ends once") }
            state.counts[user] = count > 1 ? count - 1 : nil
        }
    }

    /// The reply of this tick about a board.
    ///
    /// - Parameter isFirst: whether the reply has to be made now.
    fileprivate func reply(
        about board: String?, isFirst: Bool, status: () throws(VarlinkError) -> StatusReport
    ) throws(VarlinkError) -> SharedReply {
        let tick = clock.monotonicNanoseconds() / Self.tick
        let known = state.withLock { $0.tick == tick ? $0.replies[board] : nil }
        if let known, !isFirst { return known }
        let reply = SharedReply(try status())
        state.withLock { state in
            if state.tick != tick { state.replies = [:] }
            state.tick = tick
            state.replies[board] = reply
        }
        return reply
    }
}

/// One watch of a client; it ends with its last reference.
final class Watch: Sendable {
    private let watches: Watches
    private let user: UInt32
    private let hasReplied = Atomic(false)

    fileprivate init(_ watches: Watches, user: UInt32) {
        self.watches = watches
        self.user = user
    }

    deinit { watches.end(for: user) }

    /// The next reply.
    ///
    /// - Parameter board: the name of the only board to report; nil for all.
    func reply(
        about board: String?, status: () throws(VarlinkError) -> StatusReport
    ) throws(VarlinkError) -> VarlinkReplyStep {
        let isFirst = !hasReplied.exchange(true, ordering: .relaxed)
        return .shared(try watches.reply(about: board, isFirst: isFirst, status: status))
    }
}

// SPDX-License-Identifier: Apache-2.0

package import LeaseProtocol
package import LinuxPlatform
import Synchronization

/// What became of a command.
package enum LeaseResult: Sendable, Equatable {
    /// It was done; with the states of a read.
    case done(states: [UInt64])
    /// A value in it is outside the limits; nothing changed.
    case outOfRange
}

/// The way between the thread that talks to the client of a lease and the pipeline's thread, which alone touches the
/// board: commands there, results back, in order, and the end of the lease in both directions.
package final class LeaseLine: Sendable {
    private struct State {
        var commands: [LeaseCommand] = []
        var results: [LeaseResult] = []
        /// Why the pipeline ended the lease.
        var end: LeaseReply.Status?
        /// Whether the client has no use for it any more.
        var isReleased = false
    }

    private let state = Mutex(State())
    /// Whether the pipeline's thread has something to do; for a look once a turn.
    private let hasWorkFlag = Atomic(false)
    private let wakePipeline: @Sendable () -> Void
    /// Readable once results or the end have come.
    package let arrival: Wakeup
    private let departure: Wakeup

    init(wakePipeline: @escaping @Sendable () -> Void) throws(SystemError) {
        self.wakePipeline = wakePipeline
        arrival = try Wakeup()
        departure = try Wakeup()
    }

    // MARK: The client's thread

    package func post(_ commands: [LeaseCommand]) {
        state.withLock { state in
            state.commands += commands
            hasWorkFlag.store(true, ordering: .releasing)
        }
        wakePipeline()
    }

    /// The results since the last call, and why the lease has ended, if it has.
    package func takeResults() -> (results: [LeaseResult], end: LeaseReply.Status?) {
        state.withLock { state in
            defer { state.results = [] }
            return (state.results, state.end)
        }
    }

    /// Gives the lanes back. Commands that wait are not done.
    package func release() {
        state.withLock { state in
            state.isReleased = true
            state.commands = []
            hasWorkFlag.store(true, ordering: .releasing)
        }
        departure.signal()
        wakePipeline()
    }

    // MARK: The pipeline's thread

    package var hasWork: Bool { hasWorkFlag.load(ordering: .acquiring) }
    package var isReleased: Bool { state.withLock { $0.isReleased } }

    /// Takes the command that has waited longest.
    package func takeCommand() -> LeaseCommand? {
        state.withLock { state in
            let command = state.commands.isEmpty ? nil : state.commands.removeFirst()
            hasWorkFlag.store(state.isReleased || !state.commands.isEmpty, ordering: .releasing)
            return command
        }
    }

    package func answer(_ results: [LeaseResult]) {
        state.withLock { $0.results += results }
        arrival.signal()
    }

    /// Waits until the client was told of the end, at most so long.
    package func waitForRelease(milliseconds: Int32) { departure.wait(milliseconds: milliseconds) }

    /// Ends the lease; the first reason counts.
    package func end(_ reason: LeaseReply.Status) {
        state.withLock { $0.end = $0.end ?? reason }
        arrival.signal()
    }
}

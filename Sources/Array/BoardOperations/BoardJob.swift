// SPDX-License-Identifier: Apache-2.0

package import LinuxPlatform
import Synchronization

/// An operation under way: what the pipeline's thread and the control plane tell each other of it. Any thread may call
/// any member.
package final class BoardJob<Operation: BoardOperation>: Sendable {
    package enum State: Sendable {
        /// What there is to tell so far; nil for nothing.
        case running(Operation.Reply?)
        case finished(Operation.Reply)
        case failed(BoardOperationError)
    }

    package let operation: Operation
    /// Raised whenever the state has changed; for the last time when the operation has ended.
    package let changed = ChangeSignal()

    private let mutableState = Mutex(State.running(Operation.firstReply))
    private let isCancelledFlag = Atomic(false)

    package init(_ operation: Operation) { self.operation = operation }

    package var state: State { mutableState.withLock { $0 } }

    /// Whether nobody wants the result any more.
    package var isCancelled: Bool { isCancelledFlag.load(ordering: .relaxed) }

    /// Asks the side that does the operation to end it soon.
    package func cancel() { isCancelledFlag.store(true, ordering: .relaxed) }

    // MARK: The side that does the operation

    package func tell(_ progress: Operation.Reply) {
        enter(.running(progress))
        changed.raise()
    }

    package func finish(_ result: Operation.Reply) { end(.finished(result)) }
    package func fail(_ error: BoardOperationError) { end(.failed(error)) }

    private func end(_ state: State) {
        enter(state)
        changed.raiseLast()
    }

    private func enter(_ state: State) {
        mutableState.withLock { current in
            guard case .running = current else { preconditionFailure("a job ends once") }
            current = state
        }
    }
}

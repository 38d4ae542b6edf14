// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import Synchronization

/// The way of jobs to the pipeline's thread, one at a time, and of the wish to stop. Any thread hands jobs in;
/// the pipeline's thread takes and finishes them.
final class JobQueue: Sendable {
    private enum State {
        /// There is no job.
        case empty
        /// A job was handed in, and the pipeline's thread has not taken it.
        case waiting(BoardJob)
        /// The pipeline's thread does a job.
        case underWay(BoardJob)
        /// The pipeline stops, and does a last job.
        case closing(BoardJob)
        /// The pipeline stops or has stopped.
        case closed
    }

    private let state = Mutex(State.empty)
    // What the state says, for a look once a window. Of jobs that wait, one of the two is true.
    private let hasBoardJobFlag = Atomic(false)
    private let hasOtherJobFlag = Atomic(false)
    private let isClosedFlag = Atomic(false)
    /// Makes the pipeline's thread look.
    private let wake: @Sendable () -> Void

    init(wake: @escaping @Sendable () -> Void) { self.wake = wake }

    private static var stopping: BoardJob.State { .failed(.board("metrngd stops")) }

    // MARK: Any thread

    /// Hands in a job.
    ///
    /// - Returns: nil when another one waits or is under way. A job for a pipeline that stops has failed.
    func begin(_ task: BoardJob.Task) -> BoardJob? {
        let job = BoardJob(task)
        let isTaken = state.withLock { state in
            switch state {
            case .empty:
                state = .waiting(job)
                show(isWaiting: true, job)
                return true
            case .waiting, .underWay:
                return false
            case .closing, .closed:
                job.enter(Self.stopping)
                return true
            }
        }
        guard isTaken else { return nil }
        wake()
        return job
    }

    /// Takes no more jobs, fails the one that waits, and lets the pipeline's thread stop.
    func close() {
        state.withLock { state in
            switch state {
            case .empty, .closed: state = .closed
            case .waiting(let job):
                show(isWaiting: false, job)
                job.enter(Self.stopping)
                state = .closed
            case .underWay(let job), .closing(let job): state = .closing(job)
            }
            isClosedFlag.store(true, ordering: .releasing)
        }
        wake()
    }

    // MARK: The pipeline's thread

    /// Whether a job waits that needs an open board.
    var hasBoardJob: Bool { hasBoardJobFlag.load(ordering: .acquiring) }

    private var hasOtherJob: Bool { hasOtherJobFlag.load(ordering: .acquiring) }

    /// Whether the pipeline is to stop.
    var isClosed: Bool { isClosedFlag.load(ordering: .acquiring) }

    /// Takes the job that waits, if it is one that does or does not need an open board. It is under way until
    /// `finish`.
    func take(needsOpenBoard: Bool) -> BoardJob? {
        guard needsOpenBoard ? hasBoardJob : hasOtherJob else { return nil }
        return state.withLock { state in
            guard case .waiting(let job) = state else { return nil }
            precondition(job.task.needsOpenBoard == needsOpenBoard, "the flags say what waits")
            state = .underWay(job)
            show(isWaiting: false, job)
            return job
        }
    }

    /// Makes room for another job, and says then what came of this one: a client that sees the end can
    /// begin the next.
    func finish(_ job: BoardJob, _ outcome: BoardJob.State) {
        state.withLock { state in
            switch state {
            case .underWay(let current) where current === job: state = .empty
            case .closing(let current) where current === job: state = .closed
            default: preconditionFailure("the job that is under way is finished, once")
            }
        }
        job.enter(outcome)
    }

    /// Sets the flag of a job. Called with the lock.
    private func show(isWaiting: Bool, _ job: BoardJob) {
        if job.task.needsOpenBoard {
            hasBoardJobFlag.store(isWaiting, ordering: .releasing)
        } else {
            hasOtherJobFlag.store(isWaiting, ordering: .releasing)
        }
    }
}

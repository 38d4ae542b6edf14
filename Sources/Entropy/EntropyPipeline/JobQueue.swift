// SPDX-License-Identifier: Apache-2.0

import BoardOperations
import Synchronization

/// The way of jobs to the pipeline's thread, one at a time, and of the wish to stop. Any thread hands jobs in;
/// the pipeline's thread takes and finishes them.
final class JobQueue: Sendable {
    private enum State {
        /// There is no job.
        case empty
        /// A job was handed in, and the pipeline's thread has not taken it.
        case waiting(PipelineJob)
        /// The pipeline's thread does a job.
        case underWay(PipelineJob)
        /// The pipeline stops, and does a last job.
        case closing(PipelineJob)
        /// The pipeline stops or has stopped.
        case closed
    }

    /// What becomes of a job that is handed in.
    private enum Handing {
        case taken
        /// There is another one.
        case busy
        /// The pipeline stops, and takes none.
        case stopping
    }

    private let state = Mutex(State.empty)
    // What the state says, for a look once a window. Of jobs that wait, one of the two is true.
    private let hasBoardJobFlag = Atomic(false)
    private let hasOtherJobFlag = Atomic(false)
    private let isClosedFlag = Atomic(false)
    /// Makes the pipeline's thread look. Any thread.
    let wake: @Sendable () -> Void

    init(wake: @escaping @Sendable () -> Void) { self.wake = wake }

    private static let stopping = BoardOperationError.board("metrngd stops")

    // MARK: Any thread

    /// Hands in a job.
    ///
    /// - Returns: false when another one waits or is under way. A job for a pipeline that stops has failed.
    func begin(_ job: PipelineJob) -> Bool {
        let outcome = state.withLock { state -> Handing in
            switch state {
            case .empty:
                state = .waiting(job)
                show(isWaiting: true, job)
                return .taken
            case .waiting, .underWay: return .busy
            case .closing, .closed: return .stopping
            }
        }
        switch outcome {
        case .taken: wake()
        case .busy: return false
        case .stopping: job.handle.fail(Self.stopping)
        }
        return true
    }

    /// Takes no more jobs, fails the one that waits, and lets the pipeline's thread stop.
    func close() {
        let refused: PipelineJob? = state.withLock { state in
            defer { isClosedFlag.store(true, ordering: .releasing) }
            switch state {
            case .empty, .closed: state = .closed
            case .waiting(let job):
                show(isWaiting: false, job)
                state = .closed
                return job
            case .underWay(let job), .closing(let job): state = .closing(job)
            }
            return nil
        }
        // Outside the lock: a listener may call the queue.
        refused?.handle.fail(Self.stopping)
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
    func take(needsOpenBoard: Bool) -> PipelineJob? {
        guard needsOpenBoard ? hasBoardJob : hasOtherJob else { return nil }
        return state.withLock { state in
            guard case .waiting(let job) = state else { return nil }
            precondition(job.work.needsOpenBoard == needsOpenBoard, "the flags say what waits")
            state = .underWay(job)
            show(isWaiting: false, job)
            return job
        }
    }

    /// Makes room for another job, and says then what came of this one: a client that sees the end can
    /// begin the next.
    func finish(_ job: PipelineJob, _ outcome: JobOutcome) {
        state.withLock { state in
            switch state {
            case .underWay(let current) where current.handle === job.handle: state = .empty
            case .closing(let current) where current.handle === job.handle: state = .closed
            default: preconditionFailure("the job that is under way is finished, once")
            }
        }
        switch outcome {
        case .finished(let tell): tell()
        case .failed(let error): job.handle.fail(error)
        }
    }

    /// Sets the flag of a job. Called with the lock.
    private func show(isWaiting: Bool, _ job: PipelineJob) {
        if job.work.needsOpenBoard {
            hasBoardJobFlag.store(isWaiting, ordering: .releasing)
        } else {
            hasOtherJobFlag.store(isWaiting, ordering: .releasing)
        }
    }
}

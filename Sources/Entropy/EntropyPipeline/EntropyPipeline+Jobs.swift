// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import EntropyRing
import LaneHealth
import LinuxPlatform
import Synchronization

/// Jobs: how they reach the pipeline's thread, and what becomes of them while there is no board.
extension EntropyPipeline {
    /// Hands a job to the pipeline's thread, which does it soon, whatever the board is doing.
    ///
    /// - Returns: nil when another job is under way. A job for a pipeline that was stopped has failed.
    package func begin(_ task: BoardJob.Task) -> BoardJob? {
        let begun = BoardJob(task)
        let isTaken = jobs.withLock { jobs in
            switch jobs {
            case .none:
                jobs = .one(begun)
                return true
            case .one:
                return false
            case .noMore:
                begun.enter(.failed(Self.stopped))
                return true
            }
        }
        guard isTaken else { return nil }
        jobWaits.store(true, ordering: .sequentiallyConsistent)
        attention.signal()
        source.wakeProducer()
        board.interrupt()
        return begun
    }

    /// Whether a job waits to be done.
    var hasJob: Bool { jobWaits.load(ordering: .relaxed) }

    /// The job that waits. It is under way until `finish`.
    func nextJob() -> BoardJob? {
        guard hasJob else { return nil }
        jobWaits.store(false, ordering: .relaxed)
        return jobs.withLock { if case .one(let job) = $0 { job } else { nil } }
    }

    /// Makes room for another job, and says then what came of this one: who sees that it has ended can
    /// begin the next.
    func finish(_ job: BoardJob, _ outcome: BoardJob.State) {
        jobs.withLock { $0 = .none }
        job.enter(outcome)
    }

    /// Lets no job wait for a thread that is no more. To be called after the end of the thread.
    func endJobs() {
        jobs.withLock { jobs in
            if case .one(let job) = jobs { job.enter(.failed(Self.stopped)) }
            jobs = .noMore
        }
    }

    private static var stopped: BoardJob.Failure { .board("metrngd stops") }

    /// Does what can be done with a board that is closed as well.
    func performWhileClosed(_ task: BoardJob.Task) -> BoardJob.State {
        switch (task, board as? any FaultyBoard) {
        case (.inject(let order), let board?):
            let (lanes, windows) = book.withLock {
                ($0.description?.lanes, $0.ledger?.windows ?? 0)
            }
            if let defect = lanes.map(order.defect(lanes:)) ?? "the board was never opened" {
                return .failed(.badFault(defect))
            }
            guard board.inject(order) else {
                return .failed(
                    .badFault(
                        "\(FaultScript.orderLimit) faults hold or wait already; end them first"))
            }
            onEvent(.faultInjected(order, judgedShots: windows * HealthCutoffs.windowShots))
            return .finished
        case (.clearFaults, let board?):
            board.clearFaults()
            onEvent(.faultsCleared)
            return .finished
        case (.inject, nil), (.clearFaults, nil):
            return .failed(.notSimulated)
        case (.setOperatingPoint, _), (.sweep, _), (.record, _):
            return .failed(.board(status().state.whyClosed))
        }
    }

    /// Waits while there is no board, and does the jobs that come. A board that may have come ends it.
    func restWithoutBoard(milliseconds: Int32) {
        let changes = (board as? any PluggableBoard)?.changes
        let end = monotonicNanoseconds() + UInt64(milliseconds) * 1_000_000
        while !isStopping {
            if let job = nextJob() { finish(job, performWhileClosed(job.task)) }
            let now = monotonicNanoseconds()
            guard now < end else { return }
            let left = Int32((end - now + 999_999) / 1_000_000)
            switch heartbeat.waiting({ attention.wait(milliseconds: left, orReadable: changes) }) {
            case .readable: return
            case .signalled, .timedOut: break
            }
        }
    }
}

/// What a pipeline has to do with its board beside serving its bits.
enum Jobs {
    case none
    case one(BoardJob)
    /// The pipeline was stopped.
    case noMore
}

extension PipelineState {
    /// Why nothing can be done with the board.
    fileprivate var whyClosed: String {
        switch self {
        case .failed(let error), .ended(let error): error.description
        default: "the board is not open"
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

package import BoardInterface
package import BoardOperations
package import EntropyRing
package import LinuxPlatform
import Synchronization

/// Everything between one board and its rings, on a thread of its own.
///
/// When the board fails, the rings are closed, and the board is opened again until it works or the pipeline is
/// stopped. Any thread may call the members, but `start` and `stop` are the owner's.
package final class EntropyPipeline: Sendable {
    /// What the thread does; a simulation takes its turns itself instead of calling `start`.
    package let loop: PipelineLoop
    private let parts: PipelineParts
    private let thread = Mutex<WorkerThread?>(nil)

    package var settings: PipelineSettings { parts.settings }
    package var source: EntropySource { parts.source }
    package var counters: PipelineCounters { parts.counters }
    /// The heartbeat of the pipeline's thread. The thread waits when there is no room in the rings, or no board;
    /// a board that is read has to answer.
    package var heartbeat: Heartbeat { parts.heartbeat }

    /// - Parameters:
    ///   - source: filled by this pipeline only.
    ///   - clock: what the pipeline measures time with.
    ///   - onEvent: called on the pipeline's thread, and for the end of a recording on that of its sink; must return
    ///     soon and never wait.
    package init(
        board: any Board, source: EntropySource, settings: PipelineSettings,
        clock: Clock = .system, onEvent: @escaping @Sendable (PipelineEvent) -> Void
    ) {
        parts = PipelineParts(
            board: board, source: source, settings: settings, clock: clock,
            book: LaneBook(settings: settings, clock: clock, onEvent: onEvent),
            jobs: JobQueue {
                source.wakeProducer()
                board.interrupt()
            })
        loop = PipelineLoop(parts)
    }

    /// Opens the board a first time and starts the thread.
    ///
    /// - Throws: when there is no memory that can be kept from swap, or no thread to be had. A board
    ///   that cannot be opened is no error: it is tried again.
    package func start() throws(SystemError) {
        try loop.open()
        do throws(SystemError) {
            let worker = try WorkerThread(name: "metrng-pipeline") { [loop] in loop.run() }
            thread.withLock { $0 = worker }
        } catch {
            requestStop()
            _ = loop.turn()
            throw error
        }
    }

    /// Ends the thread, closes the board, and fails the job that is under way. Called once, after `start`.
    package func stop() {
        requestStop()
        thread.withLock { worker in
            worker?.join()
            worker = nil
        }
    }

    /// Makes the next turn of the loop the last one.
    package func requestStop() { parts.jobs.close() }

    /// Hands a job to the pipeline's thread, which does it soon, whatever the board is doing.
    ///
    /// - Returns: nil when another job is under way. A job for a pipeline that was stopped has failed.
    package func begin<Operation: PipelineOperation>(
        _ operation: Operation
    ) -> BoardJob<Operation>? {
        let job = BoardJob(operation)
        return begin(job, Operation.work(for: job)) ? job : nil
    }

    /// Hands a recording to the pipeline's thread, in the same way.
    ///
    /// - Parameter sink: keeps the frames.
    package func begin(_ recording: Record, into sink: any FrameSink) -> BoardJob<Record>? {
        let job = BoardJob(recording)
        return begin(job, Record.work(for: job, into: sink)) ? job : nil
    }

    private func begin(_ handle: any JobHandle, _ work: PipelineWork) -> Bool {
        parts.jobs.begin(PipelineJob(handle: handle, work: work))
    }

    /// What the pipeline is doing.
    package func status() -> PipelineStatus {
        parts.book.status(isResting: parts.counters.isResting.load(ordering: .relaxed))
    }
}

/// The parts of a pipeline that other threads look at as well.
struct PipelineParts: Sendable {
    let board: any Board
    let source: EntropySource
    let settings: PipelineSettings
    let clock: Clock
    let book: LaneBook
    let jobs: JobQueue
    let counters = PipelineCounters()
    let heartbeat = Heartbeat()
}

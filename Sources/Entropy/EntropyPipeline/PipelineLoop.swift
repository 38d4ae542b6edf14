// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardOperations
import EntropyRing
import LeaseProtocol
package import LinuxPlatform
import Synchronization

/// The loop of a pipeline, one turn at a time.
///
/// The thread of a pipeline is nothing but this loop: take a turn, wait for what it returned, take the next. A
/// simulation calls the same members on one thread, with a clock that it moves:
///
/// - `open` is called once, before the first turn.
/// - `turn` blocks only inside calls of the board (`open`, `start`, `read`, …), of which a simulated one returns
///   at once. A `read` that has nothing returns 0; the turn is then over and returns `.none`, so that the
///   simulated board, or who drives the simulation, has to let time pass: a real `read` takes as long as it was
///   told at most. Time is read from the clock of the pipeline and from nowhere else.
/// - After a turn that returned `.until`, nothing changes until `isOver` is true of it: a further turn that
///   is taken earlier returns the same wait, one that is taken late does what is due. Everything that ends a
///   wait, other than the deadline, makes a descriptor readable, so that `isOver` finds a wake-up that was lost.
/// - After `.stopped`, which follows `EntropyPipeline.requestStop`, a further turn traps.
///
/// For one thread at a time.
package final class PipelineLoop: @unchecked Sendable {
    private let shared: PipelineParts
    private let gate: OutputGate
    private let lifecycle: Lifecycle
    /// The board that is open; nil while there is none.
    private var session: BoardSession?
    private var reopening: ReopeningDelay
    private var hasOpened = false

    init(_ shared: PipelineParts) {
        self.shared = shared
        gate = OutputGate(shared.source)
        lifecycle = Lifecycle(gate: gate, book: shared.book)
        reopening = ReopeningDelay(clock: shared.clock)
    }

    /// Opens the board a first time.
    ///
    /// - Throws: when there is no memory that can be kept from swap. A board that cannot be opened is no
    ///   error: it is tried again.
    package func open() throws(SystemError) {
        precondition(!hasOpened, "the first opening comes first, and once")
        hasOpened = true
        do throws(BoardOpener.Failure) {
            try openBoard()
        } catch {
            switch error {
            case .board(let error): fail(error)
            case .memory(let error): throw error
            }
        }
    }

    /// Does what can be done now.
    ///
    /// - Returns: what has to be waited for before the next turn.
    package func turn() -> PipelineWait {
        precondition(hasOpened)
        shared.heartbeat.beat()
        guard !shared.jobs.isClosed else { return stop() }
        performAction()
        do throws(BoardError) {
            if let session { return try session.turn() }
            return try turnWithoutBoard()
        } catch {
            fail(error)
            return .none
        }
    }

    /// Whether something has happened that ends a wait. Never blocks. What it has found it does not find
    /// again, until it happens again: a turn has to follow.
    package func isOver(_ wait: PipelineWait) -> Bool {
        switch wait {
        case .none: true
        case .stopped: false
        case .until(let ends):
            hasPassed(ends.deadline)
                || wakeup.wait(milliseconds: 0, orReadable: ends.changes) != .timedOut
        }
    }

    /// Takes turns, and waits in between, until the pipeline is stopped.
    func run() {
        while true {
            switch turn() {
            case .none: break
            case .stopped: return
            case .until(let ends): sleep(ends)
            }
        }
    }

    private var wakeup: Wakeup { shared.source.producerWakeup }

    private func sleep(_ ends: PipelineWait.Ends) {
        guard !hasPassed(ends.deadline) else { return }
        let milliseconds = ends.deadline.map { deadline in
            let left = deadline - min(deadline, shared.clock.monotonicNanoseconds())
            return Int32(clamping: (left + 999_999) / 1_000_000)
        }
        _ = shared.heartbeat.waiting {
            wakeup.wait(milliseconds: milliseconds ?? -1, orReadable: ends.changes)
        }
    }

    private func hasPassed(_ deadline: UInt64?) -> Bool {
        deadline.map { shared.clock.monotonicNanoseconds() >= $0 } ?? false
    }

    // MARK: Jobs without an open board

    /// Does a job that needs no open board, in whatever state the pipeline is. What it did to the board shows although
    /// nobody draws bits.
    private func performAction() {
        guard let job = shared.jobs.take(needsOpenBoard: false) else { return }
        guard case .action(let perform) = job.work.kind else {
            preconditionFailure("a job that needs no open board is an action")
        }
        let outcome = perform(shared.board, shared.book)
        if case .finished = outcome { session?.hasten() }
        shared.jobs.finish(job, outcome)
    }

    /// Fails a job that needs an open board.
    private func refuseJob(_ reason: String) {
        guard let job = shared.jobs.take(needsOpenBoard: true) else { return }
        shared.jobs.finish(job, .failed(.board(reason)))
    }

    // MARK: Without a board

    private func turnWithoutBoard() throws(BoardError) -> PipelineWait {
        switch lifecycle.state {
        case .closed(let error):
            refuseJob(error?.description ?? "the board is not open")
            return try reopen()
        case .draining(let error):
            refuseJob(error.description)
            return drain()
        case .ended(let error):
            refuseJob(error.description)
            return .until(PipelineWait.Ends())
        case .silent, .streaming, .recording, .waiting, .withheld, .stopped:
            preconditionFailure("no board is open in the state \(lifecycle.state)")
        }
    }

    /// Opens the board again once it is time, or boards have come or gone.
    private func reopen() throws(BoardError) -> PipelineWait {
        let changes = (shared.board as? any PluggableBoard)?.changes
        guard hasPassed(reopening.deadline) || changes.map(isReadable) ?? false else {
            return .until(PipelineWait.Ends(deadline: reopening.deadline, changes: changes))
        }
        do throws(BoardOpener.Failure) {
            try openBoard()
        } catch {
            switch error {
            case .board(let error): throw error
            case .memory(let error): throw .stalled(error.description)
            }
        }
        return .none
    }

    /// Lets clients take what is in the rings of a board that has ended.
    private func drain() -> PipelineWait {
        if !gate.isEmpty {
            gate.willWait()
            if !gate.isEmpty { return .until(PipelineWait.Ends(isForSpace: true)) }
        }
        lifecycle.handle(.ringsEmptied)
        return .none
    }

    // MARK: Opening and closing

    private func openBoard() throws(BoardOpener.Failure) {
        let opener = BoardOpener(
            board: shared.board, source: shared.source, settings: shared.settings,
            book: shared.book, counters: shared.counters, clock: shared.clock)
        let (stream, disposal) = try opener.open()
        let leases = LeaseDesk(stream, book: shared.book, clock: shared.clock)
        let session = BoardSession(
            ActivityContext(
                stream: stream, lifecycle: lifecycle, book: shared.book, gate: gate,
                jobs: shared.jobs, leases: leases, counters: shared.counters, settings: shared.settings,
                clock: shared.clock, name: shared.source.name,
                provenance: shared.source.provenance))
        self.session = session
        gate.attach(disposal)
        reopening.boardOpened()
        lifecycle.handle(.boardOpened)
        do throws(BoardError) { try session.restart(.trims) } catch { throw .board(error) }
    }

    /// Reports a failure of the board: the one place that does. The state comes first, so that a client that
    /// sees its job fail sees the cause, and because it may take long to close a board that has failed.
    private func fail(_ error: BoardError) {
        lifecycle.handle(.boardFailed(error))
        session?.failJob(error)
        closeBoard(.boardGone)
        reopening.boardFailed()
    }

    /// - Parameter reason: why leases end.
    private func closeBoard(_ reason: LeaseReply.Status) {
        guard let session else { return }
        session.close(reason)
        gate.detach()
        shared.counters.isResting.store(false, ordering: .relaxed)
        self.session = nil
    }

    private func stop() -> PipelineWait {
        do throws(BoardError) { try session?.cancelJob() } catch { fail(error) }
        lifecycle.handle(.stopped)
        closeBoard(.shuttingDown)
        return .stopped
    }
}

/// How long to wait before a board that failed is opened again: longer each time it fails soon.
private struct ReopeningDelay {
    /// In nanoseconds: doubled each time, up to the limit.
    private static let first: UInt64 = 250_000_000
    private static let longest: UInt64 = 1_000_000_000
    /// A board that ran as long as this, in nanoseconds, has worked.
    private static let success: UInt64 = 10_000_000_000

    /// When the board may be opened again, in monotonic nanoseconds.
    private(set) var deadline: UInt64 = 0
    private let clock: Clock
    private var delay = first
    private var opened: UInt64?

    init(clock: Clock) { self.clock = clock }

    mutating func boardOpened() { opened = clock.monotonicNanoseconds() }

    mutating func boardFailed() {
        let now = clock.monotonicNanoseconds()
        if let opened, now - opened > Self.success { delay = Self.first }
        opened = nil
        deadline = now + delay
        delay = min(2 * delay, Self.longest)
    }
}

// SPDX-License-Identifier: Apache-2.0

package import BoardInterface
import BoardProtocol
import Conditioning
package import EntropyRing
import Glibc
import LaneHealth
package import LinuxPlatform
import OperatingPointControl
import Synchronization

/// Everything between one board and its rings, on a thread of its own.
///
/// Whatever goes wrong with the board, the rings are closed, and the board is opened again until it
/// works or the pipeline is stopped.
package final class EntropyPipeline: Sendable {
    package let settings: PipelineSettings
    package let source: EntropySource
    package let counters = PipelineCounters()
    /// Of the pipeline's thread. It waits when there is no room in the rings, or no board; a board that is
    /// read has to answer.
    package let heartbeat = Heartbeat()

    let board: any Board
    let onEvent: @Sendable (PipelineEvent) -> Void
    let book: Mutex<PipelineBook>
    let crossLaneTest: CrossLaneTest
    private let thread = Mutex<WorkerThread?>(nil)
    let stopping = Atomic<Bool>(false)
    /// Up when there is a reason to end a rest: a stop, or a job.
    let attention: Wakeup
    let jobs = Mutex(Jobs.none)
    let jobWaits = Atomic<Bool>(false)

    /// How long to wait before a board that failed is opened again, in milliseconds: doubled each
    /// time it fails at once, up to the limit.
    private static let firstDelay: Int32 = 250
    private static let longestDelay: Int32 = 1000

    /// - Parameters:
    ///   - source: what this pipeline fills; nobody else does.
    ///   - onEvent: called on the pipeline's thread; must return soon and never wait.
    package init(
        board: any Board, source: EntropySource, settings: PipelineSettings,
        onEvent: @escaping @Sendable (PipelineEvent) -> Void
    ) throws(SystemError) {
        self.board = board
        self.source = source
        self.settings = settings
        self.onEvent = onEvent
        crossLaneTest = CrossLaneTest(claimedEntropyPerBit: settings.claimedEntropyPerBit)
        book = Mutex(PipelineBook(stateSince: secondsSinceEpoch()))
        attention = try Wakeup()
    }

    /// Opens the board a first time and starts the thread.
    ///
    /// - Throws: when there is no memory that can be kept from swap, or no thread to be had. A board
    ///   that cannot be opened is no error: it is tried again.
    package func start() throws(SystemError) {
        let beginning: Beginning
        do {
            beginning = .run(try open())
        } catch {
            switch error {
            case .board(let error):
                fail(error)
                beginning = .failed(error)
            case .system(let error): throw error
            }
        }
        let handover = Handover(beginning)
        do {
            let worker = try WorkerThread(name: "metrng-pipeline") { [self] in work(handover) }
            thread.withLock { $0 = worker }
        } catch {
            if case .run(let run) = beginning { run.end() }
            throw error
        }
    }

    /// Ends the thread, closes the board, and fails the job that is under way. To be called once, after
    /// `start`.
    package func stop() {
        stopping.store(true, ordering: .sequentiallyConsistent)
        attention.signal()
        board.interrupt()
        source.wakeProducer()
        thread.withLock { worker in
            worker?.join()
            worker = nil
        }
        endJobs()
    }

    /// What the pipeline is doing. Any thread.
    package func status() -> PipelineStatus {
        book.withLock { book in
            PipelineStatus(
                state: book.state, stateSince: book.stateSince,
                isResting: counters.isResting.load(ordering: .relaxed),
                description: book.description, ledger: book.ledger, monitor: book.monitor,
                trim: book.trim, telemetry: book.telemetry, alarms: book.alarms)
        }
    }

    // MARK: The thread

    private enum OpenError: Error {
        case board(BoardError)
        case system(SystemError)
    }

    private func work(_ handover: Handover) {
        switch handover.take() {
        case .run(let run): work(with: run)
        case .failed(.ended): source.end()
        case .failed, nil: work(with: nil)
        }
        drain()
    }

    /// Runs the board, and opens it again whenever it fails, until it has ended.
    ///
    /// - Parameter first: the run of a board that is open already; nil to wait before it is opened.
    private func work(with first: BoardRun?) {
        var next = first
        var delay = Self.firstDelay
        if first == nil { restWithoutBoard(milliseconds: delay) }
        while !isStopping {
            let began = monotonicNanoseconds()
            let error = Self.failure { () throws(OpenError) in
                let run = if let first = next.take() { first } else { try open() }
                defer { run.end() }
                do throws(BoardError) { try run.run() } catch {
                    // Now: it may be long before a board that has failed is closed.
                    fail(error)
                    throw OpenError.board(error)
                }
            }
            if let error { fail(error) }
            if case .ended = error { break }
            let lasted = monotonicNanoseconds() - began
            delay = lasted > 10_000_000_000 ? Self.firstDelay : delay
            restWithoutBoard(milliseconds: delay)
            delay = min(2 * delay, Self.longestDelay)
        }
        next?.end()
    }

    private static func failure(_ body: () throws(OpenError) -> Void) -> BoardError? {
        do {
            try body()
            return nil
        } catch {
            switch error {
            case .board(let error): return error
            case .system(let error): return .stalled(error.description)
            }
        }
    }

    /// After the last bit of a board that has ended: lets clients take what is in the rings, and does jobs.
    private func drain() {
        while source.isOpen, !isStopping {
            _ = heartbeat.waiting {
                source.waitForSpace { isStopping || hasJob || source.isEmpty }
            }
            if source.isEmpty { source.close() }
            restWithoutBoard(milliseconds: 0)
        }
        while !isStopping { restWithoutBoard(milliseconds: Self.longestDelay) }
    }

    private func open() throws(OpenError) -> BoardRun {
        var description: BoardDescription
        heartbeat.beat()
        do {
            description = try board.open()
        } catch {
            throw .board(error)
        }
        do {
            try goBack(&description)
            let run = try prepare(description)
            try board.start()
            return run
        } catch {
            board.close()
            throw error as? OpenError ?? (error as? BoardError).map { .board($0) }
                ?? .board(.stalled("\(error)"))
        }
    }

    /// Sets the operating point of before to a board that failed while a job had set another one.
    private func goBack(_ description: inout BoardDescription) throws(BoardError) {
        guard let before = book.withLock({ $0.before[description.serial] }),
            let tunable = board as? any TunableBoard, description.operatingPoint != before
        else { return }
        try tunable.setOperatingPoint(before)
        description.operatingPoint = before
    }

    private func prepare(_ description: BoardDescription) throws(OpenError) -> BoardRun {
        let smallest = 2 * HealthCutoffs.windowShots * description.lanes / 8
        guard settings.fold.fits(lanes: description.lanes) else {
            throw .board(
                .unsupported(
                    "\(description.lanes) lanes cannot be folded by \(settings.fold.parts);"
                        + " set xorFold of the board to 1"))
        }
        guard source.raw.capacity >= smallest, source.full.capacity >= smallest else {
            throw .board(
                .unsupported(
                    "\(description.lanes) lanes need rings of \(smallest) bytes or more;"
                        + " raise rings.rawBytes and rings.fullBytes"))
        }
        let memory: PipelineMemory
        do {
            memory = try PipelineMemory(
                board: description,
                cutoffs: HealthCutoffs(claimedEntropyPerBit: settings.claimedEntropyPerBit),
                fold: settings.fold, locked: settings.locksMemory)
        } catch {
            throw .system(error)
        }
        book.withLock { book in
            book.description = description
            book.telemetry = nil
            book.before[description.serial] = nil
        }
        return BoardRun(pipeline: self, board: board, description: description, memory: memory)
    }

    func fail(_ error: BoardError) {
        if case .ended = error {
            source.end()
            return become(.ended(error))
        }
        closeGate()
        become(.failed(error))
    }
}

/// What the first opening of a board came to.
private enum Beginning {
    case run(BoardRun)
    case failed(BoardError)
}

/// Carries the first run into the thread that is its only user, and keeps nothing of it.
private final class Handover: @unchecked Sendable {
    private var beginning: Beginning?

    init(_ beginning: Beginning) { self.beginning = beginning }

    func take() -> Beginning? { beginning.take() }
}

// SPDX-License-Identifier: Apache-2.0

package import Boards
package import EntropyRing
import Glibc
import LaneHealth
package import LinuxPlatform
import Synchronization

/// Everything between one board and its rings, on a thread of its own.
///
/// Whatever goes wrong with the board, the rings are closed, and the board is opened again until it
/// works or the pipeline is stopped.
package final class EntropyPipeline: Sendable {
    package let settings: PipelineSettings
    package let source: EntropySource
    package let counters = PipelineCounters()

    private let board: any Board
    private let onEvent: @Sendable (PipelineEvent) -> Void
    private let book: Mutex<PipelineBook>
    private let thread = Mutex<WorkerThread?>(nil)
    private let stopping = Atomic<Bool>(false)
    private let stopRequested: Wakeup

    /// How long to wait before a board that failed is opened again, in milliseconds: doubled each
    /// time it fails at once, up to the limit.
    private static let firstDelay: Int32 = 250
    private static let longestDelay: Int32 = 5000

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
        book = Mutex(PipelineBook(stateSince: secondsSinceEpoch()))
        stopRequested = try Wakeup()
    }

    /// Opens the board a first time and starts the thread.
    ///
    /// - Throws: when there is no memory that can be kept from swap, or no thread to be had. A board
    ///   that cannot be opened is no error: it is tried again.
    package func start() throws(SystemError) {
        var run: BoardRun?
        do {
            run = try open()
        } catch {
            switch error {
            case .board(let error): fail(error)
            case .system(let error): throw error
            }
        }
        let handover = Handover(run)
        do {
            let worker = try WorkerThread(name: "metrng-pipeline") { [self] in work(handover) }
            thread.withLock { $0 = worker }
        } catch {
            if run != nil { close() }
            throw error
        }
    }

    /// Ends the thread and closes the board. To be called once, after `start`.
    package func stop() {
        stopping.store(true, ordering: .sequentiallyConsistent)
        stopRequested.signal()
        board.interrupt()
        source.wakeProducer()
        thread.withLock { worker in
            worker?.join()
            worker = nil
        }
    }

    /// What the pipeline is doing. Any thread.
    package func status() -> PipelineStatus {
        book.withLock { book in
            PipelineStatus(
                state: book.state, stateSince: book.stateSince,
                isResting: counters.isResting.load(ordering: .relaxed),
                description: book.description, ledger: book.ledger, alarms: book.alarms)
        }
    }

    // MARK: The thread

    private enum OpenError: Error {
        case board(BoardError)
        case system(SystemError)
    }

    private func work(_ handover: Handover) {
        var next = handover.run.take()
        var delay = Self.firstDelay
        while !isStopping {
            let began = monotonicNanoseconds()
            do {
                let run = try next ?? open()
                next = nil
                defer { close() }
                try run.run(board)
            } catch let error as BoardError {
                fail(error)
            } catch OpenError.board(let error) {
                fail(error)
            } catch OpenError.system(let error) {
                fail(.stalled(error.description))
            } catch {
                fail(.stalled("\(error)"))
            }
            let lasted = monotonicNanoseconds() - began
            delay = lasted > 10_000_000_000 ? Self.firstDelay : delay
            if !isStopping { rest(milliseconds: delay) }
            delay = min(2 * delay, Self.longestDelay)
        }
        if next != nil { close() }
    }

    private func open() throws(OpenError) -> BoardRun {
        let description: BoardDescription
        do {
            description = try board.open()
        } catch {
            throw .board(error)
        }
        do {
            let run = try prepare(description)
            try board.start()
            return run
        } catch {
            board.close()
            throw error as? OpenError ?? (error as? BoardError).map { .board($0) }
                ?? .board(.stalled("\(error)"))
        }
    }

    private func prepare(_ description: BoardDescription) throws(OpenError) -> BoardRun {
        let smallest = 2 * HealthCutoffs.windowShots * description.lanes / 8
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
                locked: settings.locksMemory)
        } catch {
            throw .system(error)
        }
        book.withLock { book in
            book.description = description
            book.ledger = LaneLedger(
                lanes: description.lanes, startUpWindows: settings.startUpWindows,
                healthEpoch: source.healthEpoch.load(ordering: .relaxed))
        }
        become(.starting)
        onEvent(.opened(description))
        return BoardRun(pipeline: self, board: description, memory: memory)
    }

    private func close() {
        board.stop()
        board.close()
    }

    private func fail(_ error: BoardError) {
        source.close()
        become(.failed(error))
    }

    // MARK: For the run, on the pipeline's thread

    var isStopping: Bool { stopping.load(ordering: .relaxed) }

    /// Waits, but not when the pipeline is to stop.
    func rest(milliseconds: Int32) {
        if stopRequested.wait(milliseconds: milliseconds) { stopRequested.signal() }
    }

    func report(_ event: PipelineEvent) { onEvent(event) }

    /// Enters a tested window into the book.
    ///
    /// - Parameter usable: receives the lanes whose bits in the window may be used, a bit each: those
    ///   that were admitted before it and still are. The window that completes the start-up test of
    ///   a lane is part of the test, and not used.
    /// - Returns: how many those are.
    func judge(_ window: HealthWindow, usable: UnsafeMutablePointer<UInt64>) -> Int {
        let (good, epoch) = book.withLock { book in
            guard var ledger = book.ledger.take() else {
                preconditionFailure("a board that runs was opened")
            }
            for (word, lanes) in ledger.admitted.enumerated() { usable[word] = lanes }
            ledger.judge(window) { alarm in
                book.add(TimedAlarm(alarm: alarm, time: secondsSinceEpoch()))
                onEvent(.alarm(alarm))
            }
            var good = 0
            for (word, lanes) in ledger.admitted.enumerated() {
                usable[word] &= lanes
                good += usable[word].nonzeroBitCount
            }
            defer { book.ledger = ledger }
            return (good, ledger.healthEpoch)
        }
        source.healthEpoch.store(epoch, ordering: .relaxed)
        return good
    }

    /// Lets bits out, if that is not so already.
    func becomeServing() {
        guard !source.isOpen else { return }
        source.open()
        become(.serving)
    }

    /// Lets no bits out.
    ///
    /// - Returns: whether that is more than the start-up test of a board that was just opened.
    func becomeUnhealthy(good: Int, minimum: Int) -> Bool {
        let isStartingUp = book.withLock { book in
            let windows = book.ledger?.windows ?? 0
            return book.state == .starting && windows <= settings.startUpWindows
        }
        guard !isStartingUp else { return false }
        if source.isOpen { source.close() }
        become(.unhealthy(good: good, minimum: minimum))
        return true
    }

    private func become(_ state: PipelineState) {
        let changed = book.withLock { book in
            guard book.state != state else { return false }
            let isSameKind =
                if case (.unhealthy, .unhealthy) = (book.state, state) { true } else { false }
            book.state = state
            if !isSameKind { book.stateSince = secondsSinceEpoch() }
            return !isSameKind
        }
        if changed { onEvent(.became(state)) }
    }
}

/// Seconds since the Unix epoch.
private func secondsSinceEpoch() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// Carries the first run into the thread that is its only user, and keeps nothing of it.
private final class Handover: @unchecked Sendable {
    var run: BoardRun?
    init(_ run: BoardRun?) { self.run = run }
}

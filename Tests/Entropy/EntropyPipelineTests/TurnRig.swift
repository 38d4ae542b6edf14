// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import EntropyPipeline
import EntropyRing
import EntropyTerms
import LinuxPlatform
import PlaneTestSupport
import Synchronization
import Testing

/// A clock that a test moves.
final class ManualClock: Sendable {
    private let now = Mutex<UInt64>(1_000_000_000)

    var nanoseconds: UInt64 { now.withLock { $0 } }

    func advance(milliseconds: Int) { now.withLock { $0 += UInt64(milliseconds) * 1_000_000 } }

    /// The clock as the pipeline reads it.
    var clock: Clock {
        Clock(
            monotonicNanoseconds: { self.nanoseconds },
            secondsSinceEpoch: { Double(self.nanoseconds) / 1e9 })
    }
}

/// A board that never blocks: it passes on what it is given, or lets the time of a read pass on a clock.
final class InstantBoard: PluggableBoard {
    private struct State: Sendable {
        var frames: [[UInt8]] = []
        var openFailures: [BoardError] = []
        var readFailure: BoardError?
        var opens = 0
        var reads = 0
        var isGone = false
    }

    let description: BoardDescription
    private let clock: ManualClock
    private let plugged: Wakeup
    private let state = Mutex(State())

    init(_ description: BoardDescription, _ clock: ManualClock) throws(SystemError) {
        self.description = description
        self.clock = clock
        plugged = try Wakeup()
    }

    func add(_ frames: [[UInt8]]) { state.withLock { $0.frames += frames } }
    func failOpening(_ errors: [BoardError]) { state.withLock { $0.openFailures += errors } }
    func failReading(_ error: BoardError) { state.withLock { $0.readFailure = error } }
    func announceChange(isGone: Bool) {
        state.withLock { $0.isGone = isGone }
        plugged.signal()
    }

    var opens: Int { state.withLock { $0.opens } }
    var reads: Int { state.withLock { $0.reads } }
    var changes: Int32 { plugged.descriptor.raw }

    func checkPresence() throws(BoardError) {
        plugged.clear()
        if state.withLock({ $0.isGone }) { throw .absent("unplugged") }
    }

    func open() throws(BoardError) -> BoardDescription {
        plugged.clear()
        let failure: BoardError? = state.withLock { state in
            state.opens += 1
            return state.openFailures.isEmpty ? nil : state.openFailures.removeFirst()
        }
        if let failure { throw failure }
        return description
    }

    func start() throws(BoardError) {}
    func stop() {}
    func close() {}
    func interrupt() {}

    func read(
        into buffer: UnsafeMutableRawBufferPointer, milliseconds: Int32
    ) throws(BoardError) -> Int {
        let result: Result<[UInt8]?, BoardError> = state.withLock { state in
            state.reads += 1
            if !state.frames.isEmpty { return .success(state.frames.removeFirst()) }
            if let failure = state.readFailure.take() { return .failure(failure) }
            return .success(nil)
        }
        guard let frame = try result.get() else {
            clock.advance(milliseconds: Int(milliseconds))
            return 0
        }
        buffer.copyBytes(from: frame)
        return frame.count
    }
}

/// The same as a board that is fed: its silence is that of a source.
final class InstantSource: FedBoard {
    static let awaited = "nothing comes from the test"

    let patience: UInt64
    private let board: InstantBoard

    init(_ board: InstantBoard, patienceSeconds: Double) {
        self.board = board
        patience = UInt64(patienceSeconds * 1e9)
    }

    var awaited: String { Self.awaited }

    func open() throws(BoardError) -> BoardDescription { try board.open() }
    func start() throws(BoardError) { try board.start() }
    func stop() { board.stop() }
    func close() { board.close() }
    func interrupt() { board.interrupt() }
    func read(
        into buffer: UnsafeMutableRawBufferPointer, milliseconds: Int32
    ) throws(BoardError) -> Int {
        try board.read(into: buffer, milliseconds: milliseconds)
    }
}

/// A pipeline whose turns a test takes, on one thread and in virtual time.
final class TurnRig {
    let clock = ManualClock()
    let board: InstantBoard
    let source: EntropySource
    let pipeline: EntropyPipeline
    private let log = EventLog()
    private var frames: FrameMaker

    /// - Parameters:
    ///   - patienceSeconds: of a board that is fed; nil for another.
    ///   - onEvent: called with what the pipeline reports.
    init(
        ringBytes: Int = 1 << 19, shotsPerFrame: Int = 256, patienceSeconds: Double? = nil,
        onEvent: @escaping @Sendable (PipelineEvent) -> Void = { _ in }
    ) throws {
        let description = BoardDescription.test(shotsPerFrame: shotsPerFrame)
        board = try InstantBoard(description, clock)
        frames = FrameMaker(description)
        source = try EntropySource(
            name: "t", provenance: .hardware,
            raw: EntropyRing(capacity: ringBytes, locked: false),
            full: EntropyRing(capacity: ringBytes, locked: false), bitsArrived: Wakeup())
        let log = log
        let board = board
        pipeline = EntropyPipeline(
            board: patienceSeconds.map { InstantSource(board, patienceSeconds: $0) } ?? board, source: source,
            settings: PipelineSettings(
                claimedEntropyPerBit: 0.8, startUpWindows: 2, minimumGoodLanesPercent: 50,
                locksMemory: false),
            clock: clock.clock
        ) { event in
            log.add(event)
            onEvent(event)
        }
    }

    var loop: PipelineLoop { pipeline.loop }
    var states: [PipelineState] { log.events.states }
    var state: PipelineState { pipeline.status().state }

    func send(_ windows: [[UInt64]]) { board.add(windows.flatMap { frames.frames($0) }) }

    /// Takes turns until the pipeline waits, or has found nothing to read.
    ///
    /// - Returns: what it waits for.
    func takeTurns() -> PipelineWait {
        while true {
            let time = clock.nanoseconds
            let wait = loop.turn()
            guard wait == .none, clock.nanoseconds == time else { return wait }
        }
    }

    /// A wait for a moment from now on.
    func until(milliseconds: UInt64, changes: Int32? = nil) -> PipelineWait {
        .until(
            PipelineWait.Ends(
                deadline: clock.nanoseconds + milliseconds * 1_000_000, changes: changes))
    }

    /// A wait for room in the rings.
    var forSpace: PipelineWait {
        .until(PipelineWait.Ends(isForSpace: true, changes: board.changes))
    }

    /// Stops the pipeline, which takes one turn.
    func stop() {
        pipeline.requestStop()
        #expect(loop.turn() == .stopped)
    }
}

// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import EntropyRing
import LaneHealth
import LinuxPlatform
import OperatingPointControl
import Synchronization

/// One stretch from the start of a board's stream to its end: the walk of a bit from frame to ring.
///
/// Runs on the pipeline's thread. Per shot nothing here allocates, locks, logs or suspends; a lock
/// that hardly anybody else takes is held once a window, for the book of the lanes.
final class BoardRun {
    /// How long a board may send nothing usable before it counts as stalled, in nanoseconds.
    private static let patience: UInt64 = 2_000_000_000
    /// How long one read waits at most, in milliseconds.
    private static let readWait: Int32 = 500
    /// How long the pipeline rests after each window while nothing can be served, in milliseconds:
    /// a board that is as good as dead shall not cost a core.
    private static let unhealthyRest: Int32 = 10
    /// How often the board is asked what it measures about itself, in windows.
    private static let telemetryWindows = 256

    /// What becomes of the bits of a judged window.
    enum Use {
        case served
        /// They are in a recording, at least in part, and go nowhere else.
        case recorded
    }

    let pipeline: EntropyPipeline
    let board: any Board
    let tunable: (any TunableBoard)?
    private(set) var description: BoardDescription
    let window: HealthWindow
    /// What becomes of the window that is under way.
    var use = Use.served

    private let source: EntropySource
    private let counters: PipelineCounters
    private var reader: FrameReader
    private let disposal: WindowDisposal
    private let memory: PipelineMemory
    private let minimumGoodLanes: Int
    /// The lanes whose bits in the window may be used: a copy, so that the lock of the book need not
    /// be held to use them.
    private let usable: UnsafeMutablePointer<UInt64>
    private var trimmer: LaneTrimmer?
    /// Whether a job is being done: nothing waits for room meanwhile.
    var isBusy = false
    /// Whether a frame has come. Until then the board is what it was before: one that can be opened and
    /// gives nothing would else seem to work again and again.
    private var hasBegun = false
    /// Boards are started before a run begins.
    private var isStreaming = true
    private var windows = 0
    private var lastFrame = monotonicNanoseconds()
    /// Of the bytes since the last frame that could be used.
    private var lastRejection: FrameReader.Rejection?

    init(
        pipeline: EntropyPipeline, board: any Board, description: BoardDescription,
        memory: PipelineMemory
    ) {
        let settings = pipeline.settings
        let cutoffs = HealthCutoffs(claimedEntropyPerBit: settings.claimedEntropyPerBit)
        self.pipeline = pipeline
        self.board = board
        self.description = description
        self.memory = memory
        tunable = description.tuning == nil ? nil : board as? any TunableBoard
        source = pipeline.source
        counters = pipeline.counters
        minimumGoodLanes = settings.minimumGoodLanes(of: description.lanes)
        reader = FrameReader(buffer: memory.frames, board: description)
        window = HealthWindow(lanes: description.lanes, cutoffs: cutoffs, memory: memory.window)
        disposal = WindowDisposal(source: pipeline.source, settings: settings, memory: memory)
        usable = .allocate(capacity: description.wordsPerShot)
        usable.initialize(repeating: 0, count: description.wordsPerShot)
    }

    deinit { usable.deallocate() }

    /// Gives the board back. To be called once, at the end.
    func end() {
        if isStreaming { board.stop() }
        board.close()
    }

    /// Reads the board until the pipeline is stopped, or until the board fails.
    func run() throws(BoardError) {
        try beginTuning()
        while !pipeline.isStopping {
            if let job = pipeline.nextJob() {
                try perform(job)
            } else {
                try readFrames { (frame) throws(BoardError) in try take(frame) }
            }
        }
    }

    // MARK: The stream

    /// Reads once and hands over the frames that came.
    func readFrames(_ take: (FrameReader.Frame) throws(BoardError) -> Void) throws(BoardError) {
        pipeline.heartbeat.beat()
        reader.append(try board.read(into: reader.freeSpace(), milliseconds: Self.readWait))
        while !pipeline.isStopping, let event = reader.next() {
            switch event {
            case .frame(let frame):
                accept(frame)
                try take(frame)
                // Taking it may have waited, for room or for a disk.
                waitAnew()
            case .rejected(let rejection):
                if lastRejection == nil { pipeline.report(.framesRejected(rejection)) }
                lastRejection = rejection
                counters.framesRejected.add(1, ordering: .relaxed)
            case .skipped(let count):
                counters.bytesSkipped.add(UInt64(count), ordering: .relaxed)
            }
        }
        if monotonicNanoseconds() - lastFrame > Self.patience {
            throw .stalled(stallCause(lastRejection))
        }
    }

    private func accept(_ frame: FrameReader.Frame) {
        lastRejection = nil
        if !hasBegun {
            hasBegun = true
            pipeline.report(.opened(description))
            pipeline.becomeTested(isTuning: isLearning)
        }
        counters.framesAccepted.add(1, ordering: .relaxed)
        counters.temperature.store(Int(frame.header.temperature), ordering: .relaxed)
        if frame.shotsDroppedBefore > 0 {
            counters.shotsDropped.add(frame.shotsDroppedBefore, ordering: .relaxed)
            pipeline.report(.shotsDropped(frame.shotsDroppedBefore))
        }
    }

    /// Gives the board its whole patience again.
    func waitAnew() { lastFrame = monotonicNanoseconds() }

    /// Fills windows from a frame, and does with each full one what its stage says.
    ///
    /// - Parameter use: what becomes of every window that holds a shot of the frame.
    func take(_ frame: FrameReader.Frame, as use: Use = .served) throws(BoardError) {
        try fillWindows(from: frame, as: use) { () throws(BoardError) in try finishWindow() }
    }

    /// Fills windows from a frame. A full window is to be emptied by `onFull`.
    func fillWindows(
        from frame: FrameReader.Frame, as frameUse: Use = .served,
        onFull: () throws(BoardError) -> Void
    ) throws(BoardError) {
        var rest = frame.payload[...]
        while !rest.isEmpty, !pipeline.isStopping {
            if frameUse == .recorded { use = .recorded }
            let taken = window.append(UnsafeRawBufferPointer(rebasing: rest))
            rest = rest.dropFirst(taken)
            if window.isFull { try onFull() }
        }
    }

    /// Stops the stream, lets `body` do something, and starts it again: no shot from before comes after.
    func restartStream(_ body: () throws(BoardError) -> Void) throws(BoardError) {
        board.stop()
        isStreaming = false
        try body()
        try board.start()
        isStreaming = true
        reader.reset()
        window.reset()
        lastRejection = nil
        waitAnew()
    }

    // MARK: Windows

    private func finishWindow() throws(BoardError) {
        let wasLearning = isLearning
        window.test()
        try trimLanes()
        if !wasLearning {
            try judgeWindow()
            try measureDevices()
        }
        window.advance()
        use = .served
    }

    private func judgeWindow() throws(BoardError) {
        let verdict = pipeline.judge(window, usable: usable)
        counters.shots.add(UInt64(HealthCutoffs.windowShots), ordering: .relaxed)
        counters.shotsPerSecond.add(HealthCutoffs.windowShots, now: monotonicNanoseconds())
        let isGood = verdict.good >= minimumGoodLanes && !verdict.isCorrelated
        switch use {
        case .recorded where isGood:
            break
        case .recorded:
            pipeline.closeGate()
            disposal.reset()
        case .served where isGood:
            pipeline.becomeServing()
            try dispose()
        case .served:
            hold(verdict)
        }
    }

    private func dispose() throws(BoardError) {
        let lanes = disposal.foldMask(usable, words: description.wordsPerShot)
        guard lanes > 0 else { return }
        if !isBusy, disposal.gradeWithRoom(lanes: lanes) == nil { try restUntilRoom(lanes: lanes) }
        guard let grade = disposal.gradeWithRoom(lanes: lanes) else { return }
        let credited = disposal.dispose(window, lanes: usable, to: grade)
        counters.creditedBits.add(UInt64(credited), ordering: .relaxed)
        counters.newestBits.store(monotonicNanoseconds(), ordering: .relaxed)
    }

    /// Waits while the rings are full. A board that goes meanwhile is noticed.
    private func restUntilRoom(lanes: Int) throws(BoardError) {
        counters.isResting.store(true, ordering: .relaxed)
        defer { counters.isResting.store(false, ordering: .relaxed) }
        let pluggable = board as? any PluggableBoard
        let isReady = { [pipeline, disposal] in
            pipeline.isStopping || pipeline.hasJob || disposal.gradeWithRoom(lanes: lanes) != nil
        }
        let changes = pluggable?.changes
        while !pipeline.heartbeat.waiting({
            source.waitForSpace(orReadable: changes, until: isReady)
        }) {
            try pluggable?.checkPresence()
        }
    }

    /// Nothing can be served: the window's bits are used for nothing.
    private func hold(_ verdict: EntropyPipeline.Verdict) {
        guard pipeline.becomeUnhealthy(verdict, minimum: minimumGoodLanes) else { return }
        disposal.reset()
        pipeline.rest(milliseconds: Self.unhealthyRest)
    }

    /// Discards everything and begins with the lanes from the start.
    func restartTuning() throws(BoardError) {
        discard()
        try beginTuning()
    }

    /// Likewise, with the trims as they are.
    func restartTests() {
        discard()
        trimmer?.restartMeasurement()
        beginTests()
    }

    private func discard() {
        pipeline.closeGate()
        disposal.reset()
        window.reset()
        windows = 0
        use = .served
    }

    // MARK: The devices

    /// The lanes are tested once they are trimmed, if they can be.
    private func beginTuning() throws(BoardError) {
        trimmer =
            tunable == nil
            ? nil : LaneTrimmer(board: description, settings: pipeline.settings.trim)
        if let tunable, let trimmer { try tunable.setTrims(trimmer.trims) }
        pipeline.publish(trimmer?.status)
        beginTests()
    }

    private func beginTests() {
        pipeline.beginTests(description)
        if hasBegun { pipeline.becomeTested(isTuning: isLearning) }
    }

    /// Whether the trims are being learned.
    var isLearning: Bool { trimmer?.isLearning == true }

    private func trimLanes() throws(BoardError) {
        let wasLearning = isLearning
        guard let tunable, let trims = trimmer?.add(window) else { return }
        try tunable.setTrims(trims)
        pipeline.publish(trimmer?.status)
        if wasLearning, !isLearning { beginTests() }
    }

    private func measureDevices() throws(BoardError) {
        if let tunable, windows.isMultiple(of: Self.telemetryWindows) {
            let telemetry = try tunable.telemetry()
            guard telemetry.resistanceOhms.count == description.lanes else {
                throw .stalled("it measures \(telemetry.resistanceOhms.count) resistances")
            }
            pipeline.measured(telemetry)
        }
        windows += 1
    }

    /// Takes over an operating point that was set.
    func adopt(_ point: OperatingPoint) {
        description.operatingPoint = point
    }
}

private func stallCause(_ rejection: FrameReader.Rejection?) -> String {
    switch rejection {
    case nil: "nothing came for 2 s"
    case .header(.version(let version)):
        "it speaks version \(version) of the frame format, metrngd speaks version 1"
    case .header: "what came for 2 s holds no valid frame header"
    case .shape: "for 2 s its frames did not fit its own description"
    case .pattern: "for 2 s it sent a link-test pattern instead of bits"
    case .checksum: "for 2 s all frames were damaged"
    case .outOfSequence: "for 2 s it repeated frames that came before"
    }
}

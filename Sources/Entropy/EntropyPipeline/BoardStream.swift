// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import LaneHealth
import LinuxPlatform
import Synchronization

/// An open board whose stream runs, the reader of its frames, and the window that their shots fill.
///
/// For the pipeline's thread.
final class BoardStream {
    /// How long a board may send nothing usable before it counts as stalled, in nanoseconds. One that is fed may be
    /// silent for as long as its source is.
    private static let patience: UInt64 = 2_000_000_000
    /// The longest wait of one read, in milliseconds.
    private static let readWait: Int32 = 500

    let board: any Board
    /// The board, if it can be tuned.
    let tunable: (any TunableBoard)?
    /// The board, if it is fed by a source that may be silent.
    private let fed: (any FedBoard)?
    private(set) var description: BoardDescription
    let window: HealthWindow
    /// Whether the window under way holds shots that are in a recording: its bits are served to nobody.
    var isWindowRecorded = false

    private let memory: PipelineMemory
    private let book: LaneBook
    private let counters: PipelineCounters
    private let clock: Clock
    private var reader: FrameReader
    private var isRunning = true
    /// Whether the stream is stopped for longer than a restart takes.
    private(set) var isStopped = false
    /// When the board last had its whole patience, in monotonic nanoseconds.
    private var patienceBegan: UInt64
    /// The last rejection since the last frame that could be used.
    private var lastRejection: FrameReader.Rejection?

    /// - Parameter board: open and started.
    init(
        _ board: any Board, _ description: BoardDescription, memory: PipelineMemory,
        settings: PipelineSettings, book: LaneBook, counters: PipelineCounters, clock: Clock
    ) {
        self.board = board
        self.description = description
        self.memory = memory
        self.book = book
        self.counters = counters
        self.clock = clock
        tunable = description.tuning == nil ? nil : board as? any TunableBoard
        fed = board as? any FedBoard
        reader = FrameReader(buffer: memory.frames, board: description)
        // The key decides which ideal rows are taken for one another, which is as good as never.
        var random = SystemRandomNumberGenerator()
        window = HealthWindow(
            lanes: description.lanes,
            cutoffs: HealthCutoffs(claimedEntropyPerBit: settings.claimedEntropyPerBit),
            memory: memory.window, random: &random)
        patienceBegan = clock.monotonicNanoseconds()
    }

    /// Gives the board back. Called once; nothing else is called afterwards.
    func close() {
        if isRunning { board.stop() }
        board.close()
    }

    // MARK: Frames

    /// Reads the board once; frames that came whole are then had from `nextFrame`.
    func read() throws(BoardError) {
        reader.append(try board.read(into: reader.freeSpace(), milliseconds: Self.readWait))
    }

    /// The next frame of what was read; nil when there is none. It is valid until the next call.
    func nextFrame() -> FrameReader.Frame? {
        while let event = reader.next() {
            switch event {
            case .frame(let frame):
                accept(frame)
                return frame
            case .rejected(let rejection):
                if lastRejection == nil { book.report(.framesRejected(rejection)) }
                lastRejection = rejection
                counters.framesRejected.addToTotal(1)
            case .skipped(let count):
                counters.bytesSkipped.addToTotal(UInt64(count))
            }
        }
        return nil
    }

    private func accept(_ frame: FrameReader.Frame) {
        lastRejection = nil
        counters.framesAccepted.addToTotal(1)
        counters.shotsReceived.addToTotal(UInt64(frame.header.shots))
        counters.temperature.store(Int(frame.header.temperature), ordering: .relaxed)
        if frame.shotsDroppedBefore > 0 {
            counters.shotsDropped.addToTotal(frame.shotsDroppedBefore)
            book.report(.shotsDropped(frame.shotsDroppedBefore))
        }
    }

    /// Gives the board its whole patience again: a frame was used up, or the pipeline itself took its time.
    func restartPatience() { patienceBegan = clock.monotonicNanoseconds() }

    /// Throws when the board has sent nothing usable for too long.
    ///
    /// - Parameter isFirst: whether no frame of the stream has come yet; a source is missed sooner then than in a pause.
    /// - Returns: what is waited for, when the source of a board that is fed has been silent for longer than its
    ///   patience.
    func checkPatience(ofFirstFrame isFirst: Bool) throws(BoardError) -> String? {
        let silence = clock.monotonicNanoseconds() - patienceBegan
        if let fed {
            let patience = isFirst ? min(Self.patience, fed.patience) : fed.patience
            return silence > patience ? fed.awaited : nil
        }
        guard silence <= Self.patience else { throw .stalled(stallCause(lastRejection)) }
        return nil
    }

    // MARK: Restarting

    /// Stops the stream, lets `body` do something, and starts it again: no shot from before comes after.
    func restart(_ body: () throws(BoardError) -> Void = {}) throws(BoardError) {
        board.stop()
        isRunning = false
        try body()
        try board.start()
        isRunning = true
        isStopped = false
        reader.reset()
        forgetWindow()
        lastRejection = nil
        restartPatience()
    }

    /// Stops the stream until the next `restart`.
    func stop() {
        board.stop()
        isRunning = false
        isStopped = true
        forgetWindow()
    }

    /// Empties the window; the shots to come do not follow those that came.
    func forgetWindow() {
        window.reset()
        isWindowRecorded = false
    }

    /// Drives the devices elsewhere, with the same trim for all lanes. The stream is stopped.
    func drive(_ tunable: any TunableBoard, at point: OperatingPoint, trim: Int16 = 0) throws(BoardError) {
        try tunable.setOperatingPoint(point)
        try tunable.setTrims([Int16](repeating: trim, count: description.lanes))
    }

    /// Takes over an operating point that was set for good.
    func adopt(_ point: OperatingPoint) { description.operatingPoint = point }

    // MARK: Plugging

    /// A descriptor that is readable once boards have come or gone; nil for a board that is always there.
    var changes: Int32? { (board as? any PluggableBoard)?.changes }

    /// Throws when the board is known to have gone. Called while nobody reads the board.
    func checkPresence() throws(BoardError) {
        guard let pluggable = board as? any PluggableBoard, isReadable(pluggable.changes) else {
            return
        }
        try pluggable.checkPresence()
    }
}

private func stallCause(_ rejection: FrameReader.Rejection?) -> String {
    switch rejection {
    case nil: "nothing came for 2 s"
    case .header(.version(let version)):
        "it speaks version \(version) of the frame format, metrngd speaks version 1"
    case .header: "for 2 s no valid frame header was among its bytes"
    case .shape: "for 2 s its frames did not match its own description"
    case .pattern: "for 2 s it sent a link-test pattern instead of bits"
    case .checksum: "for 2 s all frames were damaged"
    case .outOfSequence: "for 2 s it repeated earlier frames"
    }
}

// SPDX-License-Identifier: Apache-2.0

import Boards
import EntropyRing
import LaneHealth
import LinuxPlatform
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
    /// How long the pipeline rests after each window while too few lanes are good, in milliseconds:
    /// a board that is as good as dead shall not cost a core.
    private static let unhealthyRest: Int32 = 10

    private let pipeline: EntropyPipeline
    private let source: EntropySource
    private let counters: PipelineCounters
    private var reader: FrameReader
    private let window: HealthWindow
    private let disposal: WindowDisposal
    private let memory: PipelineMemory
    private let minimumGoodLanes: Int
    private let lanes: Int
    /// The lanes whose bits in the window may be used: a copy, so that the lock of the book need not
    /// be held to use them.
    private let usable: UnsafeMutablePointer<UInt64>

    init(pipeline: EntropyPipeline, board: BoardDescription, memory: PipelineMemory) {
        let settings = pipeline.settings
        let cutoffs = HealthCutoffs(claimedEntropyPerBit: settings.claimedEntropyPerBit)
        self.pipeline = pipeline
        self.memory = memory
        source = pipeline.source
        counters = pipeline.counters
        lanes = board.lanes
        minimumGoodLanes = settings.minimumGoodLanes(of: board.lanes)
        reader = FrameReader(buffer: memory.frames, board: board)
        window = HealthWindow(lanes: board.lanes, cutoffs: cutoffs, memory: memory.window)
        disposal = WindowDisposal(
            source: pipeline.source, claimedEntropyPerBit: settings.claimedEntropyPerBit,
            admitted: memory.admitted)
        usable = .allocate(capacity: board.wordsPerShot)
        usable.initialize(repeating: 0, count: board.wordsPerShot)
    }

    deinit { usable.deallocate() }

    /// Reads the board until the pipeline is stopped, or until the board fails.
    func run(_ board: any Board) throws(BoardError) {
        var lastFrame = monotonicNanoseconds()
        // Of the bytes since the last frame that could be used.
        var lastRejection: FrameReader.Rejection?
        while !pipeline.isStopping {
            reader.append(try board.read(into: reader.freeSpace(), milliseconds: Self.readWait))
            var accepted = false
            while let event = reader.next(), !pipeline.isStopping {
                switch event {
                case .frame(let frame):
                    accepted = true
                    lastRejection = nil
                    take(frame)
                case .rejected(let rejection):
                    lastRejection = rejection
                    counters.framesRejected.add(1, ordering: .relaxed)
                case .skipped(let count):
                    counters.bytesSkipped.add(UInt64(count), ordering: .relaxed)
                }
            }
            let now = monotonicNanoseconds()
            if accepted { lastFrame = now }
            if now - lastFrame > Self.patience { throw stalled(lastRejection) }
        }
    }

    private func stalled(_ rejection: FrameReader.Rejection?) -> BoardError {
        let cause =
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
        return .stalled(cause)
    }

    private func take(_ frame: FrameReader.Frame) {
        counters.framesAccepted.add(1, ordering: .relaxed)
        counters.temperature.store(Int(frame.header.temperature), ordering: .relaxed)
        if frame.shotsDroppedBefore > 0 {
            counters.shotsDropped.add(frame.shotsDroppedBefore, ordering: .relaxed)
            pipeline.report(.shotsDropped(frame.shotsDroppedBefore))
        }
        var rest = frame.payload[...]
        while !rest.isEmpty, !pipeline.isStopping {
            let taken = window.append(UnsafeRawBufferPointer(rebasing: rest))
            rest = rest.dropFirst(taken)
            if window.isFull { finishWindow() }
        }
    }

    private func finishWindow() {
        window.test()
        let good = pipeline.judge(window, usable: usable)
        let now = monotonicNanoseconds()
        counters.shots.add(UInt64(HealthCutoffs.windowShots), ordering: .relaxed)
        counters.shotsPerSecond.add(HealthCutoffs.windowShots, now: now)
        if good >= minimumGoodLanes {
            pipeline.becomeServing()
            dispose(good: good)
        } else {
            hold(good: good)
        }
        window.advance()
    }

    private func dispose(good: Int) {
        if disposal.gradeWithRoom(lanes: good) == nil {
            counters.isResting.store(true, ordering: .relaxed)
            source.waitForSpace { [pipeline, disposal] in
                pipeline.isStopping || disposal.gradeWithRoom(lanes: good) != nil
            }
            counters.isResting.store(false, ordering: .relaxed)
        }
        guard let grade = disposal.gradeWithRoom(lanes: good) else { return }
        let credited = disposal.dispose(window, lanes: usable, to: grade)
        counters.creditedBits.add(UInt64(credited), ordering: .relaxed)
        counters.newestBits.store(monotonicNanoseconds(), ordering: .relaxed)
    }

    /// Too few good lanes: the window's bits are used for nothing.
    private func hold(good: Int) {
        guard pipeline.becomeUnhealthy(good: good, minimum: minimumGoodLanes) else { return }
        disposal.reset()
        pipeline.rest(milliseconds: Self.unhealthyRest)
    }
}

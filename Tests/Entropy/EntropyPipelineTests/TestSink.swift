// SPDX-License-Identifier: Apache-2.0

import BoardOperations
import BoardProtocol
import EntropyPipeline
import Glibc
import Synchronization

/// Keeps recorded frames in memory, and fails or dawdles when a test wants it.
final class TestSink: FrameSink {
    let recording: Record
    private let failsAtBegin: Bool
    private let failsAtFrame: Int
    private let slowFrame: Int
    private let kept = Mutex<(begun: [BoardDescription], frames: [[UInt8]])>(([], []))

    /// - Parameters:
    ///   - failsAtFrame: the frame that cannot be kept, counted from 0.
    ///   - slowFrame: the frame that takes longer than a board may be silent.
    init(
        shots: Int, starts: Int = 1, failsAtBegin: Bool = false, failsAtFrame: Int = -1,
        slowFrame: Int = -1
    ) {
        recording = Record(shots: shots, restarts: starts)
        self.failsAtBegin = failsAtBegin
        self.failsAtFrame = failsAtFrame
        self.slowFrame = slowFrame
    }

    func begin(_ board: BoardDescription) throws(FrameSinkError) {
        if failsAtBegin { throw FrameSinkError("no such directory") }
        kept.withLock { $0.begun.append(board) }
    }

    func add(_ frame: FrameReader.Frame) throws(FrameSinkError) {
        let bytes = Array(frame.bytes)
        let number = kept.withLock { kept in
            kept.frames.append(bytes)
            return kept.frames.count - 1
        }
        if number == slowFrame { usleep(2_500_000) }
        if number == failsAtFrame { throw FrameSinkError("no room") }
    }

    var byteCount: Int { kept.withLock { $0.frames.reduce(0) { $0 + $1.count } } }

    /// How the board was described, each time a recording began.
    var begun: [BoardDescription] { kept.withLock { $0.begun } }
    /// The frames that were handed over, also one that failed.
    var frames: [[UInt8]] { kept.withLock { $0.frames } }

    /// The headers of the frames.
    var headers: [FrameHeader] {
        frames.compactMap { frame in frame.withUnsafeBytes { try? FrameHeader(parsing: $0) } }
    }
}

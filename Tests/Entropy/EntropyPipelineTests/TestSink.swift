// SPDX-License-Identifier: Apache-2.0

import BoardOperations
import BoardProtocol
import EntropyPipeline
import Synchronization

/// Keeps recorded frames in memory, and fails or makes a test's steps when a test wants it.
final class TestSink: FrameSink {
    typealias Completion = @Sendable (Result<Int, FrameSinkError>) -> Void

    private struct Kept {
        var begun: [BoardDescription] = []
        var frames: [[UInt8]] = []
        var stall: Stall?
        var hasEnded = false
        var completion: (Completion, Result<Int, FrameSinkError>)?
    }

    /// What the disk answers only after `goOn`.
    enum Stall {
        case beginning, end
    }

    let recording: Record
    private let failsAtBegin: Bool
    private let failsAtFrame: Int
    private let failsAtEnd: Bool
    private let kept: Mutex<Kept>

    /// - Parameters:
    ///   - failsAtFrame: the frame that cannot be kept, counted from 0.
    ///   - stall: what the disk answers only after `goOn`; nil for nothing.
    init(
        shots: Int, starts: Int = 1, failsAtBegin: Bool = false, failsAtFrame: Int = -1,
        failsAtEnd: Bool = false, stallingAt stall: Stall? = nil
    ) {
        recording = Record(shots: shots, restarts: starts)
        self.failsAtBegin = failsAtBegin
        self.failsAtFrame = failsAtFrame
        self.failsAtEnd = failsAtEnd
        kept = Mutex(Kept(stall: stall))
    }

    func begin(_ board: BoardDescription) {
        kept.withLock { $0.begun.append(board) }
    }

    var beginning: Result<Void, FrameSinkError>? {
        if kept.withLock({ $0.stall == .beginning }) { return nil }
        return failsAtBegin ? .failure(FrameSinkError("no such directory")) : .success(())
    }

    func add(_ frame: FrameReader.Frame) throws(FrameSinkError) {
        let bytes = Array(frame.bytes)
        let number = kept.withLock { kept in
            kept.frames.append(bytes)
            return kept.frames.count - 1
        }
        if number == failsAtFrame { throw FrameSinkError("no room") }
    }

    var byteCount: Int { frames.reduce(0) { $0 + $1.count } }

    func end(_ completion: @escaping Completion) {
        let result: Result<Int, FrameSinkError> =
            failsAtEnd ? .failure(FrameSinkError("no room")) : .success(byteCount)
        let isStalled = kept.withLock { kept in
            kept.hasEnded = true
            if kept.stall == .end { kept.completion = (completion, result) }
            return kept.stall == .end
        }
        if !isStalled { completion(result) }
    }

    /// Lets the disk answer.
    func goOn() {
        let waiting = kept.withLock { kept in
            kept.stall = nil
            defer { kept.completion = nil }
            return kept.completion
        }
        if let (completion, result) = waiting { completion(result) }
    }

    /// Whether `end` was called.
    var hasEnded: Bool { kept.withLock { $0.hasEnded } }

    /// Whether the end waits for `goOn`.
    var isEnding: Bool { kept.withLock { $0.completion != nil } }

    /// How the board was described, each time a recording began.
    var begun: [BoardDescription] { kept.withLock { $0.begun } }
    /// The frames that were handed over, also one that failed.
    var frames: [[UInt8]] { kept.withLock { $0.frames } }

    /// The headers of the frames.
    var headers: [FrameHeader] {
        frames.compactMap { frame in frame.withUnsafeBytes { try? FrameHeader(parsing: $0) } }
    }
}

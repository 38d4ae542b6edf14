// SPDX-License-Identifier: Apache-2.0

import BoardOperations
import BoardProtocol
import ControlInterface
import EntropyPipeline
import LinuxPlatform
import RecordingFormat
import Recordings

/// The file of a client that a pipeline writes its frames to. For the pipeline's thread, once the job has begun.
final class RecordingSink: FrameSink, @unchecked Sendable {
    private let file: Descriptor
    private let starts: RecordingContext.Starts
    private let claimedEntropyPerBit: Double
    private let clock: Clock
    private var writer: RecordingWriter?

    /// - Parameter recording: one that has its file.
    init(_ recording: Record, claimedEntropyPerBit: Double, clock: Clock) {
        guard let file = recording.file else {
            preconditionFailure("a recording without a file is refused")
        }
        self.file = file
        starts = RecordingContext.Starts(count: recording.starts, shots: recording.shots)
        self.claimedEntropyPerBit = claimedEntropyPerBit
        self.clock = clock
    }

    var byteCount: Int { Int(writer?.byteCount ?? 0) }

    func begin(_ board: BoardDescription) throws(FrameSinkError) {
        let context = RecordingContext(
            version: metrngVersion, time: Int64(clock.secondsSinceEpoch()), board: board,
            claimedEntropy: claimedEntropyPerBit, starts: starts)
        try rethrowing { () throws(RecordingError) in
            writer = try RecordingWriter(file, context: context)
        }
    }

    func add(_ frame: FrameReader.Frame) throws(FrameSinkError) {
        guard let writer else { preconditionFailure("frames come after the beginning") }
        try rethrowing { () throws(RecordingError) in try writer.write(frame) }
    }

    private func rethrowing(
        _ body: () throws(RecordingError) -> Void
    ) throws(FrameSinkError) {
        do throws(RecordingError) { try body() } catch { throw FrameSinkError(error.description) }
    }
}

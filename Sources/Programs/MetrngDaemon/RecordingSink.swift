// SPDX-License-Identifier: Apache-2.0

import BoardOperations
import BoardProtocol
import ControlInterface
import EntropyPipeline
import LinuxPlatform
import RecordingFormat
import Recordings

/// The file of a client that the frames of a pipeline are written to, by a thread of its own. For the pipeline's
/// thread, once the job has begun.
final class RecordingSink: FrameSink, @unchecked Sendable {
    private let file: Descriptor
    private let starts: RecordingContext.Starts
    private let claimedEntropyPerBit: Double
    private let clock: Clock
    private var queue: RecordingQueue?

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

    func begin(_ board: BoardDescription) throws(FrameSinkError) {
        let context = RecordingContext(
            version: metrngVersion, time: Int64(clock.secondsSinceEpoch()), board: board,
            claimedEntropy: claimedEntropyPerBit, starts: starts)
        do throws(SystemError) {
            queue = try RecordingQueue(file, context: context)
        } catch {
            throw FrameSinkError("\(error)")
        }
    }

    var beginning: Result<Void, FrameSinkError>? {
        queue?.beginning.map { $0.mapError(FrameSinkError.init) }
    }

    func add(_ frame: FrameReader.Frame) throws(FrameSinkError) {
        guard let queue else { preconditionFailure("frames come after the beginning") }
        do throws(RecordingError) { try queue.add(frame.bytes) } catch { throw FrameSinkError(error) }
    }

    func end(_ completion: @escaping @Sendable (Result<Int, FrameSinkError>) -> Void) {
        guard let queue else { preconditionFailure("the end comes after the beginning") }
        queue.end { result in
            completion(result.map { Int(clamping: $0) }.mapError(FrameSinkError.init))
        }
    }
}

extension FrameSinkError {
    fileprivate init(_ error: RecordingError) { self.init(error.description) }
}

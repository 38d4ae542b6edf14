// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import ControlInterface
import EntropyPipeline
import LinuxPlatform
import RecordingFormat
import Recordings
import Synchronization

/// The file of a client that a pipeline writes its frames to.
///
/// The pipeline's thread calls `begin` and `add`; any thread may call `bytes`.
final class RecordingSink: FrameSink, @unchecked Sendable {
    let shotsPerStart: Int
    let starts: Int

    private let file: Descriptor
    private let claimedEntropyPerBit: Double
    private let clock: Clock
    private let written = Atomic(0)
    private var writer: RecordingWriter?

    init(_ request: RecordRequest, claimedEntropyPerBit: Double, clock: Clock) {
        shotsPerStart = request.shots
        starts = request.restarts
        file = request.file
        self.claimedEntropyPerBit = claimedEntropyPerBit
        self.clock = clock
    }

    /// The size of the file so far.
    var bytes: Int { written.load(ordering: .relaxed) }

    func begin(_ board: BoardDescription) throws(FrameSinkError) {
        let context = RecordingContext(
            version: metrngVersion, time: Int64(clock.secondsSinceEpoch()), board: board,
            claimedEntropy: claimedEntropyPerBit,
            starts: .init(count: starts, shots: shotsPerStart))
        try rethrowing { () throws(RecordingError) in
            writer = try RecordingWriter(file, context: context)
        }
    }

    func add(_ frame: FrameReader.Frame) throws(FrameSinkError) {
        guard let writer else { return }
        try rethrowing { () throws(RecordingError) in try writer.write(frame) }
        written.store(Int(writer.byteCount), ordering: .relaxed)
    }

    private func rethrowing(
        _ body: () throws(RecordingError) -> Void
    ) throws(FrameSinkError) {
        do throws(RecordingError) { try body() } catch { throw FrameSinkError(error.description) }
    }
}

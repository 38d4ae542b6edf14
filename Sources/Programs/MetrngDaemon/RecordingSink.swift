// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import ControlInterface
import EntropyPipeline
import Glibc
import LinuxPlatform
import RecordingFormat
import Recordings
import Synchronization

/// Lets a pipeline write its frames to a client's file.
///
/// `begin` and `add` are called on the pipeline's thread, one at a time; `bytes` on any.
final class RecordingSink: FrameSink, @unchecked Sendable {
    let shotsPerStart: Int
    let starts: Int

    private let file: Descriptor
    private let claimedEntropyPerBit: Double
    private let written = Atomic(0)
    private var writer: RecordingWriter?

    init(_ request: RecordRequest, claimedEntropyPerBit: Double) {
        shotsPerStart = request.shots
        starts = request.restarts
        file = request.file
        self.claimedEntropyPerBit = claimedEntropyPerBit
    }

    /// How large the file is until now.
    var bytes: Int { written.load(ordering: .relaxed) }

    func begin(_ board: BoardDescription) throws(FrameSinkError) {
        let context = RecordingContext(
            version: metrngVersion, time: Int64(time(nil)), board: board,
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

// SPDX-License-Identifier: Apache-2.0

import BoardOperations
import BoardProtocol

/// Passes the frames of one start of a board on to a sink.
struct FrameRecorder {
    private let job: BoardJob<Record>
    private let sink: any FrameSink
    /// The number of shots kept of this start.
    private(set) var shots = 0
    /// The number of starts that are complete.
    private(set) var starts = 0
    /// Why frames cannot be kept; nil while they can.
    private(set) var failure: BoardOperationError?

    init(_ job: BoardJob<Record>, _ sink: any FrameSink) {
        self.job = job
        self.sink = sink
    }

    private var recording: Record { job.operation }

    var isStartComplete: Bool { shots >= recording.shots }

    /// Whether all shots of all starts are kept.
    var isComplete: Bool { starts == recording.starts - 1 && isStartComplete }

    /// Tells the client how far the recording is.
    func tellProgress() {
        job.tell(
            Record.Reply(
                shotsDone: starts * recording.shots + shots, shotsTotal: recording.totalShots,
                bytes: 0))
    }

    /// Begins the recording.
    ///
    /// - Returns: why that is not possible; nil when it is.
    mutating func begin(_ stream: BoardStream) -> BoardOperationError? {
        do throws(FrameSinkError) {
            try sink.begin(stream.description)
        } catch {
            failure = .recording(error.reason)
        }
        // It may have waited for a disk.
        stream.restartPatience()
        return failure
    }

    mutating func beginNextStart() {
        starts += 1
        shots = 0
    }

    /// Keeps a frame, if it is wanted.
    ///
    /// - Returns: whether it was handed to the sink.
    mutating func take(_ frame: FrameReader.Frame) -> Bool {
        guard !isStartComplete, failure == nil else { return false }
        do throws(FrameSinkError) {
            try sink.add(frame)
        } catch {
            failure = .recording(error.reason)
        }
        shots += Int(frame.header.shots)
        return true
    }

    /// The outcome of a recording that is over; a complete one is reported.
    func outcome(_ book: LaneBook) -> JobOutcome {
        if let failure { return .failed(failure) }
        guard isComplete else {
            precondition(
                job.isCancelled, "a recording ends when it is complete, fails or is cancelled")
            return .failed(.cancelled)
        }
        let shots = recording.totalShots
        book.report(.recorded(shots: shots))
        return .finished(
            job, Record.Reply(shotsDone: shots, shotsTotal: shots, bytes: sink.byteCount))
    }
}

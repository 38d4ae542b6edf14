// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardOperations
import BoardProtocol

/// Records the running stream. The lanes go on being tested and trimmed; no window that holds a recorded shot
/// is served.
final class StreamRecording: Activity {
    private let job: BoardJob<Record>
    private let context: ActivityContext
    private var recorder: FrameRecorder
    private var hasBegun = false

    init(_ job: BoardJob<Record>, into sink: any FrameSink, _ context: ActivityContext) {
        self.job = job
        self.context = context
        recorder = FrameRecorder(job, sink)
    }

    func take(_ frame: FrameReader.Frame) -> FrameUse {
        recorder.take(frame) ? .recorded : .tested
    }

    func advance() throws(BoardError) -> ActivityResult? {
        if !hasBegun {
            guard !job.isCancelled else { return .failed(.cancelled) }
            if let failure = recorder.begin(context.stream) { return .failed(failure) }
            hasBegun = true
            context.lifecycle.handle(.recordingBegan)
        }
        if recorder.failure == nil, !recorder.isComplete, !job.isCancelled {
            recorder.tellProgress()
            return nil
        }
        context.lifecycle.handle(.recordingEnded)
        return ActivityResult(recorder.outcome(context.book))
    }
}

extension Record {
    /// What the pipeline's thread does for a recording.
    static func work(for job: BoardJob<Record>, into sink: any FrameSink) -> PipelineWork {
        .activity { context in
            job.operation.starts == 1
                ? StreamRecording(job, into: sink, context)
                : RestartRecording(job, into: sink, context)
        }
    }
}

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

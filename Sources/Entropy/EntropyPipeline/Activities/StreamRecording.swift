// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol

/// Records the running stream. The lanes go on being tested and trimmed; no window that holds a recorded shot
/// is served.
final class StreamRecording: Activity {
    private let job: BoardJob
    private let context: ActivityContext
    private var recorder: FrameRecorder
    private var hasBegun = false

    init(_ sink: any FrameSink, _ job: BoardJob, _ context: ActivityContext) {
        self.job = job
        self.context = context
        recorder = FrameRecorder(sink)
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
            job.enter(.running(done: recorder.shots, total: recorder.wantedShots))
            return nil
        }
        context.lifecycle.handle(.recordingEnded)
        return ActivityResult(recorder.outcome(isCancelled: job.isCancelled, context.book))
    }
}

/// Passes the frames of one start of a board on to a sink.
struct FrameRecorder {
    let sink: any FrameSink
    /// The number of shots kept of this start.
    private(set) var shots = 0
    /// The number of starts that are complete.
    private(set) var starts = 0
    /// Why frames cannot be kept; nil while they can.
    private(set) var failure: BoardJob.Failure?

    init(_ sink: any FrameSink) { self.sink = sink }

    var isStartComplete: Bool { shots >= sink.shotsPerStart }

    /// Whether all shots of all starts are kept.
    var isComplete: Bool { starts == sink.starts - 1 && isStartComplete }

    /// The number of shots wanted of all starts.
    var wantedShots: Int { sink.shotsPerStart * sink.starts }

    /// The number of shots kept of all starts, of those that are wanted.
    var shotsDone: Int { starts * sink.shotsPerStart + shots }

    /// Begins the recording.
    ///
    /// - Returns: why that is not possible; nil when it is.
    mutating func begin(_ stream: BoardStream) -> BoardJob.Failure? {
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
    func outcome(isCancelled: Bool, _ book: LaneBook) -> BoardJob.State {
        if let failure { return .failed(failure) }
        guard isComplete else {
            precondition(isCancelled, "a recording ends when it is complete, fails or is cancelled")
            return .failed(.cancelled)
        }
        book.report(.recorded(shots: wantedShots))
        return .recorded(shots: wantedShots)
    }
}

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

    init(_ job: BoardJob<Record>, into sink: any FrameSink, _ context: ActivityContext) {
        self.job = job
        self.context = context
        recorder = FrameRecorder(job, sink)
    }

    func take(_ frame: FrameReader.Frame) -> FrameUse {
        recorder.take(frame) ? .recorded : .tested
    }

    func advance() throws(BoardError) -> ActivityResult? {
        if !recorder.hasBegun {
            guard !job.isCancelled else { return .failed(.cancelled) }
            recorder.begin(context.stream.description)
            if let failure = recorder.failure { return .failed(failure) }
            guard recorder.hasBegun else { return nil }
            context.lifecycle.handle(.recordingBegan)
        }
        if recorder.failure == nil, !recorder.isComplete, !job.isCancelled {
            recorder.tellProgress()
            return nil
        }
        context.lifecycle.handle(.recordingEnded)
        return ActivityResult(recorder.outcome(context.book))
    }

    func outcome(after error: BoardError) -> JobOutcome { recorder.outcome(after: error) }
}

extension Record {
    /// What the pipeline's thread does for a recording.
    static func work(for job: BoardJob<Record>, into sink: any FrameSink) -> PipelineWork {
        .activity { context in
            if job.operation.starts == 1 {
                StreamRecording(job, into: sink, context)
            } else {
                RestartRecording(job, into: sink, context)
            }
        }
    }
}

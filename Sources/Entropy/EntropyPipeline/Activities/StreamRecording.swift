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

// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol

/// Records the first shots of one start of the board after another, and starts it once more in the end, to
/// serve. Nothing is tested meanwhile; the lanes repeat their start-up test, with the trims as they are.
final class RestartRecording: Activity {
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
        _ = recorder.take(frame)
        return .untested
    }

    func advance() throws(BoardError) -> ActivityResult? {
        if !hasBegun {
            guard !job.isCancelled else { return .failed(.cancelled) }
            if let failure = recorder.begin(context.stream) { return .failed(failure) }
            hasBegun = true
            context.lifecycle.handle(.boardWithheld(.recordingStarts))
            try context.stream.restart()
        }
        if recorder.failure != nil || recorder.isComplete || job.isCancelled { return try end() }
        if recorder.isStartComplete {
            recorder.beginNextStart()
            try context.stream.restart()
        }
        job.enter(.running(done: recorder.shotsDone, total: recorder.wantedShots))
        return nil
    }

    private func end() throws(BoardError) -> ActivityResult {
        try context.stream.restart()
        let outcome = recorder.outcome(isCancelled: job.isCancelled, context.book)
        return ActivityResult(outcome, restart: .tests)
    }
}

// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardOperations
import BoardProtocol

/// Records the first shots of one start of the board after another, and starts it once more in the end, to
/// serve. Nothing is tested meanwhile; the lanes repeat their start-up test, with the trims as they are.
final class RestartRecording: Activity {
    private let job: BoardJob<Record>
    private let context: ActivityContext
    private var recorder: FrameRecorder

    init(_ job: BoardJob<Record>, into sink: any FrameSink, _ context: ActivityContext) {
        self.job = job
        self.context = context
        recorder = FrameRecorder(job, sink)
    }

    func take(_ frame: FrameReader.Frame) -> FrameUse {
        guard recorder.hasBegun else { return .tested }
        _ = recorder.take(frame)
        return .untested
    }

    func advance() throws(BoardError) -> ActivityResult? {
        if !recorder.hasBegun {
            guard !job.isCancelled else { return .failed(.cancelled) }
            recorder.begin(context.stream.description)
            if let failure = recorder.failure { return .failed(failure) }
            guard recorder.hasBegun else { return nil }
            context.lifecycle.handle(.boardWithheld(.recordingStarts))
            try context.stream.restart()
        }
        if recorder.failure != nil || recorder.isComplete || job.isCancelled { return try end() }
        if recorder.isStartComplete {
            recorder.beginNextStart()
            try context.stream.restart()
        }
        recorder.tellProgress()
        return nil
    }

    func outcome(after error: BoardError) -> JobOutcome { recorder.outcome(after: error) }

    private func end() throws(BoardError) -> ActivityResult {
        try context.stream.restart()
        let outcome = recorder.outcome(context.book)
        return ActivityResult(outcome, restart: .tests)
    }
}

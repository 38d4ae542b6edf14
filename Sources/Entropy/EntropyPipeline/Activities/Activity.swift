// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardOperations
import BoardProtocol
import LaneHealth

/// Something that the pipeline's thread does with an open board.
///
/// Frames and windows are handed to an activity as they come; it never reads the board, and never waits
/// but by saying so. Standing activities are there as long as the board is open. An activity of a job is there
/// from its first `advance` to the one that says how it ended; of these there is one at a time.
///
/// An activity that throws fails the board, and with it the job.
protocol Activity: AnyObject {
    /// Begins, or goes on, between two reads of the board. Called for activities of jobs only.
    ///
    /// - Returns: how it ended; nil while it goes on. A job that was cancelled ends at the next call.
    func advance() throws(BoardError) -> ActivityResult?

    /// Looks at a whole, checked frame. Called for the activity of a job, before anything else is done with the
    /// frame.
    func take(_ frame: FrameReader.Frame) -> FrameUse

    /// Looks at a full, tested window.
    ///
    /// - Parameter mayWait: whether the activity may ask to wait. A job has no time for that.
    func take(_ window: HealthWindow, mayWait: Bool) throws(BoardError) -> WindowStep

    /// The outcome of a job whose board has failed. Called for activities of jobs, at most once and as the last call.
    func outcome(after error: BoardError) -> JobOutcome

    /// Restarts with the lanes. Called for standing activities, when no window is in progress.
    func restart(_ restart: LaneRestart) throws(BoardError)
}

extension Activity {
    func advance() throws(BoardError) -> ActivityResult? { nil }
    func take(_ frame: FrameReader.Frame) -> FrameUse { .tested }
    func take(_ window: HealthWindow, mayWait: Bool) throws(BoardError) -> WindowStep { .next }
    func restart(_ restart: LaneRestart) throws(BoardError) {}
    func outcome(after error: BoardError) -> JobOutcome { .failed(.board(error.description)) }
}

/// What becomes of the shots of a frame.
enum FrameUse {
    /// They fill windows.
    case tested
    /// They fill windows, whose bits are served to nobody because they are in a recording.
    case recorded
    /// They fill no window.
    case untested
}

/// What happens after an activity has looked at a window.
enum WindowStep {
    /// The next activity looks at it.
    case next
    /// No other activity looks at it.
    case finished
    /// The same activity looks at it again after a wait.
    case wait(PipelineWait.Ends)
}

/// The stage at which the lanes restart.
enum LaneRestart {
    /// With trims that have to be learned, where the lanes are trimmed.
    case trims
    /// With the start-up test. The trims stay.
    case tests
}

/// How an activity ended.
struct ActivityResult {
    let outcome: JobOutcome
    /// The stage at which the lanes restart, because the stream was interrupted; nil when they go on.
    var restart: LaneRestart?

    init(_ outcome: JobOutcome, restart: LaneRestart? = nil) {
        self.outcome = outcome
        self.restart = restart
    }

    /// An end that changed nothing.
    static func failed(_ error: BoardOperationError) -> ActivityResult {
        ActivityResult(.failed(error))
    }
}

// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import LaneHealth
import LinuxPlatform

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

    /// Restarts with the lanes. Called for standing activities, when no window is in progress.
    func restart(_ restart: LaneRestart) throws(BoardError)
}

extension Activity {
    func advance() throws(BoardError) -> ActivityResult? { nil }
    func take(_ frame: FrameReader.Frame) -> FrameUse { .tested }
    func take(_ window: HealthWindow, mayWait: Bool) throws(BoardError) -> WindowStep { .next }
    func restart(_ restart: LaneRestart) throws(BoardError) {}
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
    let outcome: BoardJob.State
    /// The stage at which the lanes restart, because the stream was interrupted; nil when they go on.
    var restart: LaneRestart?

    init(_ outcome: BoardJob.State, restart: LaneRestart? = nil) {
        self.outcome = outcome
        self.restart = restart
    }

    /// An end that changed nothing.
    static func failed(_ failure: BoardJob.Failure) -> ActivityResult {
        ActivityResult(.failed(failure))
    }
}

/// What an activity works with.
struct ActivityContext {
    /// The board and the window.
    let stream: BoardStream
    let lifecycle: Lifecycle
    let book: LaneBook
    let gate: OutputGate
    let jobs: JobQueue
    let counters: PipelineCounters
    let settings: PipelineSettings
    let clock: Clock
}

/// The list of activities.
enum Activities {
    /// The standing ones, in the order in which they look at a window.
    static func standing(_ context: ActivityContext) -> [any Activity] {
        [Trimming(context), Serving(context), Measuring(context)]
    }

    /// The one that does a job.
    static func activity(for job: BoardJob, _ context: ActivityContext) -> any Activity {
        switch job.task {
        case .setOperatingPoint(let point): PointSetting(point, job, context)
        case .sweep(let plan): Sweeping(plan, job, context)
        case .record(let sink) where sink.starts == 1: StreamRecording(sink, job, context)
        case .record(let sink): RestartRecording(sink, job, context)
        case .inject, .clearFaults:
            preconditionFailure("\(FaultInjection.self) needs no open board")
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform

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

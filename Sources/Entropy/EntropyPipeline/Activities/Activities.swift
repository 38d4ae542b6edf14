// SPDX-License-Identifier: Apache-2.0

import EntropyTerms
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
    /// The name of the board in the configuration.
    let name: String
    let provenance: Provenance
}

/// The list of standing activities. Those of jobs are made by the operations that they do.
enum Activities {
    /// In the order in which they look at a window.
    static func standing(_ context: ActivityContext) -> [any Activity] {
        [Trimming(context), Serving(context), Measuring(context)]
    }
}

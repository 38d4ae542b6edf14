// SPDX-License-Identifier: Apache-2.0

import EntropyRing
import EntropyTerms
import LaneHealth
import LinuxPlatform

/// What an activity works with.
struct ActivityContext {
    /// The board and the window.
    let stream: BoardStream
    let lifecycle: Lifecycle
    let book: LaneBook
    let gate: OutputGate
    let jobs: JobQueue
    let leases: LeaseDesk
    let counters: PipelineCounters
    let settings: PipelineSettings
    let clock: Clock
    /// The name of the board in the configuration.
    let name: String
    let provenance: Provenance

    /// Enters a window into the rate that is shown, although it is not judged.
    func countMeasured(_ window: HealthWindow) {
        counters.shotsPerSecond.add(HealthCutoffs.windowShots, now: clock.monotonicNanoseconds())
    }
}

/// The list of standing activities. Those of jobs are made by the operations that they do.
enum Activities {
    /// In the order in which they look at a window.
    static func standing(_ context: ActivityContext) -> [any Activity] {
        [Trimming(context), Serving(context), Measuring(context)]
    }
}

// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import EntropyRing
import LaneHealth
import LinuxPlatform
import Synchronization

/// Judges windows, and serves the bits of the healthy ones.
final class Serving: Activity {
    /// How long the pipeline waits after each window while nothing can be served, in nanoseconds: a board
    /// that is as good as dead must not cost a core.
    private static let unhealthyWait: UInt64 = 10_000_000

    /// How far the window under way is.
    private enum Phase {
        /// It is not judged yet.
        case unjudged
        /// Its bits wait for room in the rings; holds the number of folded lanes.
        case waitingForRoom(lanes: Int)
        /// Nothing can be served, and the next window waits for a moment, in monotonic nanoseconds.
        case pausing(until: UInt64)
    }

    private let context: ActivityContext
    /// The lanes whose bits in the window may be used: a copy, so that they are used outside the lock of the
    /// book.
    private let usable: UnsafeMutablePointer<UInt64>
    private var phase = Phase.unjudged

    init(_ context: ActivityContext) {
        let description = context.stream.description
        self.context = context
        usable = .allocate(capacity: description.wordsPerShot)
        usable.initialize(repeating: 0, count: description.wordsPerShot)
    }

    deinit { usable.deallocate() }

    func restart(_ restart: LaneRestart) { phase = .unjudged }

    func take(_ window: HealthWindow, mayWait: Bool) throws(BoardError) -> WindowStep {
        let step =
            switch phase {
            case .unjudged: try judge(window, mayWait: mayWait)
            case .waitingForRoom(let lanes):
                try publish(window, lanes: lanes, mayWait: mayWait)
            case .pausing(let end): pause(until: end, mayWait: mayWait)
            }
        if case .wait = step { return step }
        phase = .unjudged
        return step
    }

    private func judge(_ window: HealthWindow, mayWait: Bool) throws(BoardError) -> WindowStep {
        let verdict = context.book.judge(window, usable: usable)
        window.lanesStart(within: verdict.shortestStartUp)
        context.gate.label(healthEpoch: verdict.healthEpoch)
        let now = context.clock.monotonicNanoseconds()
        context.counters.shots.addToTotal(UInt64(HealthCutoffs.windowShots))
        context.counters.shotsPerSecond.add(HealthCutoffs.windowShots, now: now)
        let isServed = !context.stream.isWindowRecorded
        context.lifecycle.handle(.windowJudged(machineVerdict(verdict), isServed: isServed))
        guard isServed else { return .next }
        switch context.lifecycle.stage {
        case .open:
            let lanes = context.gate.foldMask(usable)
            return lanes == 0 ? .next : try publish(window, lanes: lanes, mayWait: mayWait)
        case .shut:
            // A search for lanes is short, and may be what brings them back.
            if context.book.isSearching { return .next }
            return pause(until: now + Self.unhealthyWait, mayWait: mayWait)
        case .starting, .learning, nil: return .next
        }
    }

    private func machineVerdict(_ verdict: LaneBook.WindowVerdict) -> PipelineMachine.Verdict {
        let inStream = context.stream.description.lanes - verdict.away
        let minimum = context.settings.minimumGoodLanes(of: inStream)
        if inStream > 0, verdict.good >= minimum, verdict.shortage == nil { return .healthy }
        if inStream > 0, verdict.isOfStartUp { return .startUp }
        if let shortage = verdict.shortage, verdict.good >= minimum { return .unhealthy(shortage) }
        // Lanes of which nothing is known are missing for no fault of theirs.
        return .unhealthy(
            inStream == 0 || verdict.good + verdict.unknownByLease - verdict.away >= minimum
                ? .leased : .lanes(good: verdict.good, minimum: minimum))
    }

    /// Publishes the bits of the window. Without room it waits; a job that has no time for that drops the
    /// window. A board that goes meanwhile is noticed.
    private func publish(
        _ window: HealthWindow, lanes: Int, mayWait: Bool
    ) throws(BoardError) -> WindowStep {
        if let credited = context.gate.publish(window, lanes: usable, count: lanes) {
            enterPublished(credited)
            return .next
        }
        context.counters.isResting.store(mayWait, ordering: .relaxed)
        guard mayWait else {
            context.counters.windowsDropped.addToTotal(1)
            return .next
        }
        try context.stream.checkPresence()
        context.gate.willWait()
        if let credited = context.gate.publish(window, lanes: usable, count: lanes) {
            enterPublished(credited)
            return .next
        }
        phase = .waitingForRoom(lanes: lanes)
        return .wait(PipelineWait.Ends(isForSpace: true, changes: context.stream.changes))
    }

    private func enterPublished(_ credited: Int) {
        context.counters.isResting.store(false, ordering: .relaxed)
        context.counters.creditedBits.addToTotal(UInt64(credited))
        context.counters.newestBits.store(
            context.clock.monotonicNanoseconds(), ordering: .relaxed)
    }

    private func pause(until end: UInt64, mayWait: Bool) -> WindowStep {
        guard mayWait, context.clock.monotonicNanoseconds() < end else { return .next }
        phase = .pausing(until: end)
        return .wait(PipelineWait.Ends(deadline: end))
    }
}

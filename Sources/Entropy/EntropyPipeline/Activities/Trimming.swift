// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import LaneHealth
import OperatingPointControl

/// Learns the trims of the lanes before anything is judged, and holds the lanes at 50 % ones from then on.
final class Trimming: Activity {
    private let context: ActivityContext
    /// Nil for a board whose lanes are not trimmed.
    private var trimmer: LaneTrimmer?

    init(_ context: ActivityContext) { self.context = context }

    func restart(_ restart: LaneRestart) throws(BoardError) {
        switch restart {
        case .trims:
            trimmer = nil
            if let tunable = context.stream.tunable,
                let trimmer = LaneTrimmer(
                    board: context.stream.description, settings: context.settings.trim)
            {
                self.trimmer = trimmer
                try tunable.setTrims(trimmer.trims)
            }
            context.book.enter(trimmer?.status)
        case .tests:
            trimmer?.restartMeasurement()
        }
        lanesStart()
    }

    /// Has the windows of the start-up tests try all predictors; those before, which nothing judges, need not.
    private func lanesStart() {
        let isLearning = trimmer?.isLearning ?? false
        context.stream.window.lanesStart(within: isLearning ? nil : context.settings.startUpWindows)
    }

    /// A window during which the trims are learned is not judged.
    func take(_ window: HealthWindow, mayWait: Bool) throws(BoardError) -> WindowStep {
        let wasLearning = context.lifecycle.stage == .learning
        if let tunable = context.stream.tunable, let trims = trimmer?.add(window, away: context.leases.away) {
            try tunable.setTrims(trims)
            context.book.enter(trimmer?.status)
            if wasLearning, trimmer?.isLearning == false {
                context.book.restartLanes(context.stream.description)
                context.lifecycle.handle(.trimsLearned)
                lanesStart()
            }
        }
        guard wasLearning else { return .next }
        context.countMeasured(window)
        return .finished
    }
}

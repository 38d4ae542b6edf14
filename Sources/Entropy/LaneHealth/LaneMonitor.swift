// SPDX-License-Identifier: Apache-2.0

/// What a physicist wants to see of the lanes beside the verdicts: the share of ones, the correlation of
/// neighbouring shots, and that of a lane with the others, over periods of about a million shots.
///
/// A value; never judges anything.
package struct LaneMonitor: Sendable {
    /// In windows. At 2^20 shots the share of ones is known to ±0.05 %.
    package static let periodWindows = 1024

    /// Counts over a number of windows.
    struct Counts: Sendable {
        var windows = 0
        var ones: OnesTally
        /// Where a lane differs from its shot before.
        var changes: OnesTally
        /// Where a lane differs from the majority of its shot.
        var dissent: OnesTally
        /// In how many shots the majority was one.
        var majorityOnes = 0
        /// The sum of the windows' variance ratios.
        var varianceRatios = 0.0
        /// How many lanes the last window's majority was of.
        var lanes = 0
        /// For each lane, the number of windows before its own counts began.
        private var began: [Int]

        init(words: Int) {
            // Each with memory of its own, which a copy would get at its first change only.
            ones = OnesTally(words: words)
            changes = OnesTally(words: words)
            dissent = OnesTally(words: words)
            began = [Int](repeating: 0, count: 64 * words)
        }

        mutating func add(_ window: HealthWindow) {
            ones.add(window.onesPlanes, stride: window.stride)
            changes.add(window.changePlanes, stride: window.stride)
            dissent.add(window.dissentPlanes, stride: window.stride)
            majorityOnes += window.majorityOnes
            varianceRatios += window.varianceRatio
            lanes = window.comparedLanes
            windows += 1
        }

        /// Counts from 0 again, in the same memory.
        mutating func reset() {
            ones.reset()
            changes.reset()
            dissent.reset()
            (majorityOnes, varianceRatios, lanes, windows) = (0, 0, 0, 0)
            for lane in began.indices { began[lane] = 0 }
        }

        /// Counts a lane from 0 again.
        mutating func restart(lane: Int) {
            ones.forget(lane: lane)
            changes.forget(lane: lane)
            dissent.forget(lane: lane)
            began[lane] = windows
        }

        func windows(ofLane lane: Int) -> Int { windows - began[lane] }
    }

    private var current: Counts
    /// Those of the last whole period; without windows before the first has passed.
    private var last: Counts

    package init(lanes: Int) {
        current = Counts(words: lanes / 64)
        last = Counts(words: lanes / 64)
    }

    /// Enters a window that was tested and compared.
    package mutating func add(_ window: HealthWindow) {
        current.add(window)
        guard current.windows == Self.periodWindows else { return }
        swap(&last, &current)
        current.reset()
    }

    /// Begins a lane's averages anew: what is measured from now on is not mixed with what it gave before.
    package mutating func restart(lane: Int) {
        current.restart(lane: lane)
        last.restart(lane: lane)
    }

    /// The last whole period, or what there is of the first.
    private var shown: Counts { last.windows > 0 ? last : current }

    /// The last whole period if it has anything of the lane, or what there is of the current one.
    private func shown(_ lane: Int) -> Counts { last.windows(ofLane: lane) > 0 ? last : current }

    /// How many shots the figures are of; fewer for a lane whose averages began anew since.
    package var shots: Int { shown.windows * HealthCutoffs.windowShots }

    /// How many shots the figures of a lane are of.
    package func shots(lane: Int) -> Int { shown(lane).windows(ofLane: lane) * HealthCutoffs.windowShots }

    /// The share of ones of a lane; ½ before the first window.
    package func ones(lane: Int) -> Double {
        let shots = shots(lane: lane)
        return shots == 0 ? 0.5 : Double(shown(lane).ones[lane]) / Double(shots)
    }

    /// The correlation of a lane's bit with the one of the shot before: with the share of ones p and that
    /// of changes d, 1 − d / (2·p·(1 − p)). 0 for a lane that always gives the same.
    package func lagOne(lane: Int) -> Double {
        let p = ones(lane: lane)
        let shots = shots(lane: lane)
        guard shots > 0, p > 0, p < 1 else { return 0 }
        return 1 - Double(shown(lane).changes[lane]) / Double(shots) / (2 * p * (1 - p))
    }

    /// The correlation of a lane with the majority of its shot, less what the lane's own vote makes of it:
    /// √(2 / πn) for n lanes. 0 for a lane, or a majority, that is always the same.
    package func crossLane(lane: Int) -> Double {
        let p = ones(lane: lane)
        let shown = shown(lane)
        let shots = Double(shots(lane: lane))
        // For a lane whose averages began anew this is the majority's share over the whole period.
        let all = Double(shown.windows * HealthCutoffs.windowShots)
        let majority = all == 0 ? 0 : Double(shown.majorityOnes) / all
        let variance = p * (1 - p) * majority * (1 - majority)
        guard variance > 0, shown.lanes > 1, shots > 0 else { return 0 }
        let both = (p + majority - Double(shown.dissent[lane]) / shots) / 2
        return (both - p * majority) / variance.squareRoot()
            - (2 / (Double.pi * Double(shown.lanes))).squareRoot()
    }

    /// The mean correlation between two lanes; nil before the first window.
    package var crossLaneCorrelation: Double? {
        shots == 0
            ? nil
            : CrossLaneTest.correlation(
                ratio: shown.varianceRatios / Double(shown.windows), lanes: shown.lanes)
    }
}

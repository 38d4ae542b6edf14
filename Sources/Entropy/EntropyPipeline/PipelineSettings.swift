// SPDX-License-Identifier: Apache-2.0

package import Conditioning
package import OperatingPointControl

/// The settings of a pipeline: how its board's bits are judged and processed.
package struct PipelineSettings: Sendable, Equatable {
    /// Min-entropy claimed for each bit of an admitted lane, in `HealthCutoffs.claimLimits`.
    package var claimedEntropyPerBit: Double
    /// Clean windows in a row that a lane needs before its bits are used; at least 1.
    package var startUpWindows: Int
    /// Percentage of the lanes that have to be admitted for anything to be served, 1 ... 100.
    package var minimumGoodLanesPercent: Int
    /// Whether all memory that holds bits must be kept from swap.
    package var locksMemory: Bool
    /// How lanes are folded before anything is made of them.
    package var fold: LaneFold
    /// How the lanes of a board that can be tuned are held at 50 % ones; nil to leave the trims alone.
    package var trim: TrimSettings?

    package init(
        claimedEntropyPerBit: Double, startUpWindows: Int, minimumGoodLanesPercent: Int,
        locksMemory: Bool, fold: LaneFold = LaneFold(parts: 1), trim: TrimSettings? = nil
    ) {
        self.claimedEntropyPerBit = claimedEntropyPerBit
        self.startUpWindows = startUpWindows
        self.minimumGoodLanesPercent = minimumGoodLanesPercent
        self.locksMemory = locksMemory
        self.fold = fold
        self.trim = trim
    }

    /// The number of `lanes` that have to be admitted: the percentage, rounded up.
    package func minimumGoodLanes(of lanes: Int) -> Int {
        (lanes * minimumGoodLanesPercent + 99) / 100
    }
}

// SPDX-License-Identifier: Apache-2.0

package import CEntropyKernels
import Glibc

/// Whether the lanes of a board move together: what no test of a single lane can see, and what XOR
/// folding across lanes does not remove.
///
/// If lanes are independent, the number k of ones in a shot varies like that of as many coins: the sum of
/// (k − k̄)² over a window's W shots is at most n/4 times a chi-square variable with W − 1 degrees of
/// freedom. A mean correlation ρ between lanes makes it larger by the factor 1 + (n − 1)·ρ. The ratio of
/// the sum to (W − 1)·n/4 is the *variance ratio*, 1 for ideal independent lanes.
///
/// A common disturbance that shifts the probability of all lanes by ±c correlates them by ρ = 4c². Who
/// knows the disturbance predicts each bit with ½ + c, which the claim H allows up to c = 2^−H − ½. So:
/// - warning: independent lanes reach it with probability 2^−20 in a window;
/// - failure: lanes that are correlated as much as the claim allows reach it with probability 2^−40.
package struct CrossLaneTest: Sendable, Equatable {
    private static let degreesOfFreedom = Double(HealthCutoffs.windowShots - 1)
    /// 1 + z·√(2/ν) would be the quantile of a normal law; chi-square's is a little higher.
    private static let warningQuantile = quantile(exponent: HealthCutoffs.warningExponent)
    private static let failureQuantile = quantile(exponent: HealthCutoffs.failureExponent)

    /// The correlation between lanes that the claim allows.
    package let allowedCorrelation: Double

    /// - Parameter claimedEntropyPerBit: min-entropy per bit, in `HealthCutoffs.claimLimits`.
    package init(claimedEntropyPerBit: Double) {
        precondition(HealthCutoffs.claimLimits.contains(claimedEntropyPerBit))
        let allowedShift = exp2(-claimedEntropyPerBit) - 0.5
        allowedCorrelation = min(4 * allowedShift * allowedShift, 1)
    }

    /// The variance ratios at which the test trips, for a number of lanes.
    package func cutoffs(lanes: Int) -> (warning: Double, failure: Double) {
        let excess = 1 + Double(lanes - 1) * allowedCorrelation
        return (Self.warningQuantile, max(excess, 1) * Self.failureQuantile)
    }

    /// - Parameters:
    ///   - ratio: the variance ratio of a window.
    ///   - lanes: how many lanes were counted.
    package func finding(ratio: Double, lanes: Int) -> LaneFinding {
        guard lanes > 1 else { return .clean }
        let cutoffs = cutoffs(lanes: lanes)
        return ratio >= cutoffs.failure ? .failure : ratio >= cutoffs.warning ? .warning : .clean
    }

    /// The variance ratio of a window.
    package static func varianceRatio(_ rows: ck_row_statistics) -> Double {
        guard rows.lanes > 1 else { return 0 }
        let sum = Double(rows.sum)
        let deviation = Double(rows.sum_of_squares) - sum * sum / Double(HealthCutoffs.windowShots)
        return deviation / (degreesOfFreedom * Double(rows.lanes) / 4)
    }

    /// The mean correlation between two lanes that a variance ratio tells.
    package static func correlation(ratio: Double, lanes: Int) -> Double {
        lanes > 1 ? (ratio - 1) / Double(lanes - 1) : 0
    }

    /// What a chi-square variable, divided by its degrees of freedom, exceeds with probability
    /// 2^−exponent (Wilson and Hilferty 1931).
    private static func quantile(exponent: Int) -> Double {
        let spread = 2 / (9 * degreesOfFreedom)
        let root = 1 - spread + normalQuantile(exponent: exponent) * spread.squareRoot()
        return root * root * root
    }

    /// What a standard normal variable exceeds with probability 2^−exponent, by bisection.
    private static func normalQuantile(exponent: Int) -> Double {
        var (low, high) = (0.0, 40.0)
        for _ in 0..<100 {
            let middle = (low + high) / 2
            let tail = erfc(middle / 2.0.squareRoot()) / 2
            if tail > exp2(-Double(exponent)) { low = middle } else { high = middle }
        }
        return high
    }
}

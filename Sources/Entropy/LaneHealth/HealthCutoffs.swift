// SPDX-License-Identifier: Apache-2.0

import Glibc

/// At which counts the health tests of SP 800-90B 4.4 raise an alarm, for binary samples.
///
/// A cut-off is the count itself: a test trips when its count reaches it. `scripts/check cutoffs`
/// computes the same numbers in another way.
package struct HealthCutoffs: Sendable, Equatable {
    /// Samples in a window of the adaptive proportion test, and in a health window.
    package static let windowShots = 1024
    /// Samples in a period of the long prediction test: 64 windows.
    package static let longPeriodShots = 65_536
    /// A source of exactly the claimed entropy trips the warning with probability 2^−20: per sample
    /// in the repetition count test, per window in the adaptive proportion test.
    package static let warningExponent = 20
    /// A source of exactly the claimed entropy fails with probability 2^−40, counted in the same way.
    package static let failureExponent = 40
    /// The claims for which the cut-offs fit in a window, in bits of min-entropy per bit.
    package static let claimLimits = 0.1...1.0

    package let claimedEntropyPerBit: Double
    package let repetitionCountWarning: Int
    package let repetitionCountFailure: Int
    package let adaptiveProportionWarning: Int
    /// Also the failing cut-off of the prediction test.
    package let adaptiveProportionFailure: Int
    package let longPredictionWarning: Int
    package let longPredictionFailure: Int

    /// - Parameter claimedEntropyPerBit: min-entropy per bit, in `claimLimits`.
    package init(claimedEntropyPerBit: Double) {
        precondition(Self.claimLimits.contains(claimedEntropyPerBit))
        self.claimedEntropyPerBit = claimedEntropyPerBit
        let repetition = { Self.repetitionCount(claimedEntropyPerBit, exponent: $0) }
        let proportion = { Self.proportion(claimedEntropyPerBit, exponent: $0, samples: Self.windowShots) }
        let longProportion = { Self.proportion(claimedEntropyPerBit, exponent: $0, samples: Self.longPeriodShots) }
        repetitionCountWarning = repetition(Self.warningExponent)
        repetitionCountFailure = repetition(Self.failureExponent)
        adaptiveProportionWarning = proportion(Self.warningExponent)
        adaptiveProportionFailure = proportion(Self.failureExponent)
        longPredictionWarning = longProportion(Self.warningExponent)
        longPredictionFailure = longProportion(Self.failureExponent)
    }

    /// C = 1 + ⌈−log2 α / H⌉ (SP 800-90B 4.4.1), with α = 2^−exponent.
    package static func repetitionCount(_ entropy: Double, exponent: Int) -> Int {
        // A quotient that is a whole number must not be rounded up for its last binary digit.
        1 + Int((Double(exponent) / entropy - 1e-9).rounded(.up))
    }

    /// C = 1 + CRITBINOM(W, 2^−H, 1 − α) (SP 800-90B 4.4.2), with α = 2^−exponent and W = samples; at most W.
    ///
    /// CRITBINOM is the least k with P(X > k) ≤ α. The tail is summed from its far end, so that its
    /// smallest terms are not lost.
    package static func proportion(_ entropy: Double, exponent: Int, samples: Int) -> Int {
        let alpha = exp2(-Double(exponent))
        var tail = 0.0
        for k in stride(from: samples, to: 0, by: -1) {
            tail += binomial(k, of: samples, probability: exp2(-entropy))
            if tail > alpha { return min(k + 1, samples) }
        }
        return 1
    }

    /// Probability of `k` successes in `n` trials, by way of logarithms of factorials.
    private static func binomial(_ k: Int, of n: Int, probability: Double) -> Double {
        let choices = lgamma(Double(n) + 1) - lgamma(Double(k) + 1) - lgamma(Double(n - k) + 1)
        return exp(
            choices + Double(k) * log(probability) + Double(n - k) * log1p(-probability))
    }
}

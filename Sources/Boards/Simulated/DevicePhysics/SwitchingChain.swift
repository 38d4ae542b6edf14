// SPDX-License-Identifier: Apache-2.0

import Glibc

/// One device at one operating point, as the two-state Markov chain that its shots form.
///
/// In each shot the device leaves state 0 with probability `p01` and state 1 with `p10`.
package struct SwitchingChain: Sendable, Equatable {
    /// Probability of switching from state 0, in 0 ... 1.
    package let p01: Double
    /// Probability of switching from state 1, in 0 ... 1.
    package let p10: Double

    package init(p01: Double, p10: Double) {
        precondition((0...1).contains(p01) && (0...1).contains(p10))
        self.p01 = p01
        self.p10 = p10
    }

    /// A disturbance that is larger is taken as this one: ½ cannot be moved by more than ½.
    private static let largestDifference = 0.4999

    /// A device that never switches.
    package static let dead = SwitchingChain(p01: 0, p10: 0)

    /// The chain under a disturbance that moves a probability of ½ by a difference: it multiplies the odds by
    /// (½ + d) / (½ − d), which is 1 + 4d for small ones. So weak switching becomes a few per cent more or less frequent,
    /// and a device that never switches still does not.
    package func disturbed(by difference: Double) -> SwitchingChain {
        if difference == 0 { return self }
        let moved = max(-Self.largestDifference, min(difference, Self.largestDifference))
        let odds = (0.5 + moved) / (0.5 - moved)
        func disturbed(_ probability: Double) -> Double {
            probability * odds / (1 - probability + probability * odds)
        }
        return SwitchingChain(p01: disturbed(p01), p10: disturbed(p10))
    }

    /// Probability of being in state 1 after many shots: p01 / (p01 + p10). A dead device stays in
    /// its first state; ½ stands for not knowing which.
    package var stationaryProbability: Double {
        p01 + p10 == 0 ? 0.5 : p01 / (p01 + p10)
    }

    /// Probability that a shot switches the device, in the long run: 2·p01·p10 / (p01 + p10).
    package var switchingProbability: Double {
        p01 + p10 == 0 ? 0 : 2 * p01 * p10 / (p01 + p10)
    }

    /// Autocorrelation of the states `lag` shots apart: (1 − p01 − p10)^lag.
    package func autocorrelation(lag: Int) -> Double {
        pow(1 - p01 - p10, Double(lag))
    }

    /// Min-entropy per shot, in bits: −log2 of the largest growth rate of the probability of a
    /// sequence, which is that of staying in 0, of staying in 1, or of going to and fro:
    /// max(1 − p01, 1 − p10, √(p01·p10)).
    ///
    /// States and switches of a chain determine each other once its first state is known, so that
    /// this holds for both encodings.
    package var minEntropyRate: Double {
        -log2(max(1 - p01, 1 - p10, (p01 * p10).squareRoot()))
    }
}

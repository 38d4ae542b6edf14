// SPDX-License-Identifier: Apache-2.0

/// The largest |z| a test of the statistics accepts. Seeds are fixed, so that a test passes always
/// or never; an exact implementation exceeds this for fewer than 1 seed in 100,000 for each value
/// looked at.
package let zLimit = 4.5

/// By how many standard deviations `successes` of `trials` differ from what `probability` leads to.
package func zScore(successes: Int, trials: Int, probability: Double) -> Double {
    let expected = Double(trials) * probability
    return (Double(successes) - expected) / (expected * (1 - probability)).squareRoot()
}

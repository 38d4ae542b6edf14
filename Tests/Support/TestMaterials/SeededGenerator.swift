// SPDX-License-Identifier: Apache-2.0

/// Numbers that are the same in every run: SplitMix64 (Steele, Lea and Flood 2014).
package struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    package init(_ seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = (state ^ state >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }

    package mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &self) }
    }

    package mutating func words(_ count: Int) -> [UInt64] {
        (0..<count).map { _ in next() }
    }
}

/// The largest |z| a test of the statistics accepts. Seeds are fixed, so that a test passes always
/// or never; an exact implementation exceeds this for fewer than 1 seed in 100,000 for each value
/// looked at.
package let zLimit = 4.5

/// By how many standard deviations `successes` of `trials` differ from what `probability` leads to.
package func zScore(successes: Int, trials: Int, probability: Double) -> Double {
    let expected = Double(trials) * probability
    return (Double(successes) - expected) / (expected * (1 - probability)).squareRoot()
}

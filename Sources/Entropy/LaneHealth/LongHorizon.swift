// SPDX-License-Identifier: Apache-2.0

import Glibc

/// How well each predictor of the long prediction test did in the last whole period of 65,536 shots, and so how much
/// entropy that period supports in each lane: what is measured, beside what is claimed.
///
/// A value. Taking another one allocates nothing as long as no copy is held.
package struct LongHorizon: Sendable {
    /// What tells a lane's bit best.
    package enum Predictor: String, Sendable, CaseIterable {
        /// Always one, or always zero.
        case constant
        /// The shot before, or its complement.
        case previousShot
        /// One of the shots 2 ... 64 before, another one in each window, or its complement.
        case earlierShot
        /// One of the other lanes, another one in each window, or its complement.
        case otherLane
    }

    /// What was measured in one lane.
    package struct Measurement: Sendable, Equatable {
        package let predictor: Predictor
        /// −log2 of the share of the shots that it told right, in bits of min-entropy per bit: 0 ... 1. The best of
        /// eight predictors is right a little more often than half of the time even with ideal bits.
        package let entropyPerBit: Double
    }

    /// By predictor, in how many shots each lane was one, or differed from what the predictor looked at.
    private var counts: [OnesTally]
    package private(set) var isMeasured = false
    /// The lanes that were not measured, because they were not in the stream for the whole period, a bit each.
    private var unmeasured: [UInt64]

    package init(lanes: Int) {
        counts = Predictor.allCases.map { _ in OnesTally(words: lanes / 64) }
        unmeasured = [UInt64](repeating: 0, count: lanes / 64)
    }

    /// Takes the counts of a period, in the order of the predictors, and leaves those of the period before.
    ///
    /// - Parameter lanes: those that were not measured, a bit each.
    mutating func endPeriod(_ sums: inout [OnesTally], except lanes: [UInt64]) {
        precondition(sums.count == counts.count)
        swap(&counts, &sums)
        for word in unmeasured.indices { unmeasured[word] = lanes[word] }
        isMeasured = true
    }

    /// Becomes equal to another one of as many lanes, in the same memory.
    package mutating func take(_ other: LongHorizon) {
        for index in counts.indices { counts[index].take(other.counts[index]) }
        for word in unmeasured.indices { unmeasured[word] = other.unmeasured[word] }
        isMeasured = other.isMeasured
    }

    /// Nil before the first whole period, and for a lane that was not in the stream for the whole of the last one.
    package func measurement(lane: Int) -> Measurement? {
        guard isMeasured, !unmeasured.hasLane(lane) else { return nil }
        let hits = Predictor.allCases.indices.map { index in
            let count = counts[index][lane]
            return max(count, HealthCutoffs.longPeriodShots - count)
        }
        guard let best = hits.indices.max(by: { hits[$0] < hits[$1] }) else { return nil }
        return Measurement(
            predictor: Predictor.allCases[best],
            entropyPerBit: Self.entropyPerBit(hits: hits[best], of: HealthCutoffs.longPeriodShots))
    }

    /// The min-entropy of a bit that a predictor tells right so often: −log2(hits / samples).
    static func entropyPerBit(hits: Int, of samples: Int) -> Double {
        // A difference from 0: a log2 of 1 must not become −0.
        0 - log2(Double(hits) / Double(samples))
    }
}

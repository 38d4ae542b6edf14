// SPDX-License-Identifier: Apache-2.0

import Glibc
import LaneHealth
import TestMaterials
import TestSupport
import Testing

@Suite(
    "False alarms: no false failure in 10¹⁰ ideal samples at claims 0.8 and 1; rates of warnings against their design; the law of the variance ratio"
)
struct IdealLanesTests {
    /// 10^10 samples at each claim: 19,074 windows of 512 lanes, in about 1.5 seconds.
    private static let counts = IdealCounts.at(
        claims: [0.8, 1], samples: 10_000_000_000 / thinning, seed: 2020)

    private static var strictest: IdealCounts { counts[1] }

    @Test("ideal lanes never fail, nor does the array, in 10^10 samples", arguments: 0..<2)
    func failures(claim: Int) {
        let counts = Self.counts[claim]
        #expect(counts.samples >= 10_000_000_000 / thinning)
        #expect(counts.failures == 0)
        #expect(counts.crossLaneFailures == 0)
        #expect(counts.repeatedBlocks == 0)
    }

    /// That a run of 21 ends at a sample has probability 2^−20. Runs go on with probability ½, so that the
    /// samples come in groups: the variance of their number is 3 times the mean.
    @Test("at a claim of 1 a sample warns of repetition with the probability it was designed for")
    func repetitionRate() {
        let counts = Self.strictest
        let expected = Double(counts.samples) / 1_048_576
        let found = Double(counts.repetitionWarnings)
        #expect((0.5...2).contains(found / expected))
        #expect(abs(found - expected) < zLimit * (3 * expected).squareRoot())
    }

    /// The probability of 589 of 1,024 samples like the first one is 1.01 · 2^−20.
    @Test(
        "at a claim of 1 a window warns of its proportion with the probability it was designed for",
        .enabled(if: thinning == 1, "only in 10^10 samples there are enough"))
    func proportionRate() {
        let counts = Self.strictest
        let expected = Double(counts.laneWindows) / 1_048_576
        #expect((0.5...2).contains(Double(counts.proportionWarnings) / expected))
    }

    /// Three predictors are tried in a window, and the complement of each.
    @Test(
        "at a claim of 1 a window warns of a predictor with the probability it was designed for",
        .enabled(if: thinning == 1, "only in 10^10 samples there are enough"))
    func predictionRate() {
        let counts = Self.strictest
        let designed = 6 * Double(counts.laneWindows) / 1_048_576
        let cutoff = HealthCutoffs(claimedEntropyPerBit: 1).adaptiveProportionWarning
        let expected = 6 * Double(counts.laneWindows) * fairTail(cutoff, of: HealthCutoffs.windowShots)
        let found = Double(counts.predictionWarnings)
        #expect((0.5...2).contains(found / designed))
        #expect(abs(found - expected) < zLimit * expected.squareRoot())
    }

    /// Its warning, at 2^−20, comes too seldom to be counted; the law of its counts is checked at 2^−8.
    @Test("the best of the four predictors of the long test, and their complements, is right as often as chance has it")
    func longRate() {
        let counts = Self.strictest
        let tail = fairTail(IdealCounts.longHits(claim: 1), of: HealthCutoffs.longPeriodShots)
        let probability = 1 - pow(1 - 2 * tail, 4)
        #expect(
            abs(zScore(successes: counts.longExceedances, trials: counts.longPeriods, probability: probability))
                < zLimit)
        let ofThree = 1 - pow(1 - 2 * tail, 3)
        #expect(
            thinning > 1
                || abs(zScore(successes: counts.longExceedances, trials: counts.longPeriods, probability: ofThree))
                    > zLimit,
            "a test with a predictor less would show")
    }

    /// The probability of at least `k` ones in `n` fair bits.
    private func fairTail(_ k: Int, of n: Int) -> Double {
        (k...n).reduce(0) { sum, ones in
            let (n, ones) = (Double(n), Double(ones))
            return sum + exp(lgamma(n + 1) - lgamma(ones + 1) - lgamma(n - ones + 1) - n * M_LN2)
        }
    }

    /// Quantiles of a chi-square variable of 1,023 degrees of freedom over these
    /// (scipy.stats.chi2.isf).
    private static let quantiles = [
        (probability: 0.5, ratio: 0.999_348_397_482),
        (probability: 1.0 / 16, ratio: 1.068_697_186_815),
        (probability: 1.0 / 64, ratio: 1.097_594_213_185),
        (probability: 1.0 / 256, ratio: 1.121_576_136_304),
    ]

    /// By how many standard deviations the number of ratios above each quantile is off.
    private static func zScores(_ ratios: [Double]) -> [Double] {
        quantiles.map { quantile in
            zScore(
                successes: ratios.count { $0 >= quantile.ratio }, trials: ratios.count,
                probability: quantile.probability)
        }
    }

    @Test("the variance ratio of ideal lanes exceeds its quantiles as often as chi-square does")
    func varianceRatios() {
        #expect(Self.zScores(Self.strictest.varianceRatios).allSatisfy { abs($0) < zLimit })
    }

    @Test("that would show lanes that are correlated by 6·10^−5", .thorough)
    func control() {
        var lanes = DisturbedLanes(lanes: 512, shift: 0.004, shotsPerPiece: 1, seed: 30)
        let owned = OwnedWindow(lanes: 512, cutoffs: HealthCutoffs(claimedEntropyPerBit: 1))
        let mask = [UInt64](repeating: .max, count: 8)
        let ratios = (0..<300).map { _ in
            _ = owned.findings(in: lanes.window()) { $0.compare(lanes: mask) }
            return owned.window.varianceRatio
        }
        #expect(Self.zScores(ratios).contains { abs($0) > 2 * zLimit })
    }
}

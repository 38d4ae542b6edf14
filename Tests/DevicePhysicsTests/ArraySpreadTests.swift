// SPDX-License-Identifier: Apache-2.0

import DevicePhysics
import TestMaterials
import TestSupport
import Testing

@Suite("Spread of an array")
struct ArraySpreadTests {
    private static let count = 20_000

    private static func draw(_ spread: ArraySpread, seed: UInt64 = 40) -> [SwitchingChain] {
        var random = SeededGenerator(seed)
        return spread.chains(count: count, using: &random)
    }

    /// z of the mean and of the standard deviation of normal numbers.
    private static func zScores(_ values: [Double], mean: Double, deviation: Double) -> [Double] {
        let n = Double(values.count)
        let average = values.reduce(0, +) / n
        let variance = values.reduce(0) { $0 + ($1 - average) * ($1 - average) } / (n - 1)
        return [
            (average - mean) / deviation * n.squareRoot(),
            (variance.squareRoot() / deviation - 1) * (2 * n).squareRoot(),
        ]
    }

    @Test("devices have the mean, the spread and the state dependence asked for")
    func moments() {
        let spread = ArraySpread(
            meanSwitchingProbability: 0.48, deviceSpread: 0.04, stateDependence: 0.02,
            deadDeviceFraction: 0)
        let chains = Self.draw(spread)
        let means = chains.map { ($0.p01 + $0.p10) / 2 }
        let differences = chains.map { ($0.p01 - $0.p10) / 2 }
        let scores =
            Self.zScores(means, mean: 0.48, deviation: 0.04)
            + Self.zScores(differences, mean: 0, deviation: 0.02)
        #expect(scores.allSatisfy { abs($0) < zLimit }, "\(scores)")
        let product = zip(means, differences).reduce(0) { $0 + ($1.0 - 0.48) / 0.04 * $1.1 / 0.02 }
        #expect(abs(product) / Double(Self.count).squareRoot() < zLimit, "they are independent")
        // Normal: 4.55 % lie more than two deviations away.
        let far = means.count { abs($0 - 0.48) > 0.08 }
        let z = zScore(successes: far, trials: Self.count, probability: 0.045_500)
        #expect(abs(z) < zLimit)
    }

    @Test("as many devices are dead as asked for", arguments: [0.001, 0.1, 0.5])
    func dead(fraction: Double) {
        let spread = ArraySpread(
            meanSwitchingProbability: 0.5, deviceSpread: 0.03, stateDependence: 0.01,
            deadDeviceFraction: fraction)
        let dead = Self.draw(spread).count { $0 == .dead }
        let z = zScore(successes: dead, trials: Self.count, probability: fraction)
        #expect(abs(z) < zLimit)
    }

    @Test("without a spread all devices are the same, or all dead")
    func extremes() {
        let same = ArraySpread(
            meanSwitchingProbability: 0.45, deviceSpread: 0, stateDependence: 0,
            deadDeviceFraction: 0)
        #expect(Self.draw(same).allSatisfy { $0 == SwitchingChain(p01: 0.45, p10: 0.45) })
        var dead = same
        dead.deadDeviceFraction = 1
        #expect(Self.draw(dead).allSatisfy { $0 == .dead })
    }

    @Test("however wide the spread, probabilities stay probabilities")
    func clamping() {
        let wide = ArraySpread(
            meanSwitchingProbability: 0.5, deviceSpread: 2, stateDependence: 2,
            deadDeviceFraction: 0)
        let chains = Self.draw(wide)
        #expect(chains.count == Self.count)
        #expect(chains.contains { $0.p01 == 0 } && chains.contains { $0.p10 == 1 })
        #expect(chains.contains { (0.3...0.7).contains($0.p01) })
    }

    @Test("the same numbers give the same devices, others give others")
    func seeds() {
        let spread = ArraySpread(
            meanSwitchingProbability: 0.5, deviceSpread: 0.03, stateDependence: 0.01,
            deadDeviceFraction: 0.01)
        #expect(Self.draw(spread, seed: 1) == Self.draw(spread, seed: 1))
        #expect(Self.draw(spread, seed: 1) != Self.draw(spread, seed: 2))
    }
}

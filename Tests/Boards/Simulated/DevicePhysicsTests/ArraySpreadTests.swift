// SPDX-License-Identifier: Apache-2.0

import DevicePhysics
import TestMaterials
import TestSupport
import Testing

@Suite(
    "Spread of an array: drawn spread and dead fraction, and how many lanes can be trimmed to ½")
struct ArraySpreadTests {
    private static let count = 5000

    private static func draw(
        _ spread: ArraySpread, preset: ArrayPreset = .quarterPeriod, seed: UInt64 = 40
    ) -> [ArrayDevice] {
        var random = SeededGenerator(seed)
        return spread.devices(
            count: count, preset: preset, parameters: preset.device, using: &random)
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

    @Test("every quantity has the mean and the spread asked for")
    func moments() {
        let devices = Self.draw(ArraySpread())
        let spread = ArraySpread()
        let nominal = DeviceParameters()
        let scores =
            Self.zScores(
                devices.map(\.parameters.diameterNanometres), mean: nominal.diameterNanometres,
                deviation: nominal.diameterNanometres * spread.diameter)
            + Self.zScores(
                devices.map(\.parameters.anisotropyEnergy), mean: nominal.anisotropyEnergy,
                deviation: nominal.anisotropyEnergy * spread.anisotropyEnergy)
            + Self.zScores(
                devices.map(\.parameters.resistanceArea), mean: nominal.resistanceArea,
                deviation: nominal.resistanceArea * spread.resistanceArea)
            + Self.zScores(
                devices.map(\.strayFieldMicrotesla), mean: 0,
                deviation: spread.strayFieldMicrotesla)
        #expect(scores.allSatisfy { abs($0) < zLimit }, "\(scores)")
    }

    @Test("as many devices are dead as asked for", arguments: [0.001, 0.1, 0.5])
    func dead(fraction: Double) {
        var spread = ArraySpread()
        spread.deadDeviceFraction = fraction
        let dead = Self.draw(spread).count { $0.isDead }
        let z = zScore(successes: dead, trials: Self.count, probability: fraction)
        #expect(abs(z) < zLimit)
    }

    @Test("the same numbers give the same devices, others give others; none gives no difference")
    func seeds() {
        func fields(_ devices: [ArrayDevice]) -> [Double] { devices.map(\.strayFieldMicrotesla) }
        let spread = ArraySpread()
        #expect(fields(Self.draw(spread, seed: 1)) == fields(Self.draw(spread, seed: 1)))
        #expect(fields(Self.draw(spread, seed: 1)) != fields(Self.draw(spread, seed: 2)))
        #expect(
            Self.draw(.none).allSatisfy {
                $0.parameters == DeviceParameters() && $0.strayFieldMicrotesla == 0 && !$0.isDead
            })
    }

    /// The share of ones of a device's lane at a trim.
    private static func ones(_ device: ArrayDevice, trim: Int16) -> Double {
        let chain = device.chain(
            at: device.preset.operatingPoint, trim: trim, temperatureKelvin: 300, drift: 0)
        return device.preset.isToggleEncoded
            ? chain.switchingProbability : chain.stationaryProbability
    }

    private static func canBeTrimmed(_ device: ArrayDevice) -> Bool {
        let range = device.preset.trimRange
        let shares = stride(from: range.lowerBound, through: range.upperBound, by: 500).map {
            ones(device, trim: $0)
        }
        return shares.contains { $0 < 0.5 } && shares.contains { $0 > 0.5 }
    }

    @Test("98 % of the lanes can be trimmed to ½", .thorough, arguments: ArrayPreset.allCases)
    func trimmable(preset: ArrayPreset) {
        let trimmable = Self.draw(ArraySpread(), preset: preset).count(where: Self.canBeTrimmed)
        #expect(Double(trimmable) / Double(Self.count) > 0.98)
    }

    @Test("with four times the spread of the anisotropy they could not", .thorough)
    func tooWide() {
        var spread = ArraySpread()
        spread.anisotropyEnergy *= 4
        let trimmable = Self.draw(spread).count(where: Self.canBeTrimmed)
        #expect(Double(trimmable) / Double(Self.count) < 0.9)
    }
}

// SPDX-License-Identifier: Apache-2.0

import DevicePhysics
import Glibc
import TestSupport
import Testing

/// A probability that an independent macrospin program gave, from 3,000 shots or more.
struct CheckValue: Sendable {
    /// A width in ps or a temperature in K.
    let place: Double
    let probability: Double

    init(_ place: Double, _ probability: Double) {
        self.place = place
        self.probability = probability
    }
}

private let shots = 4000

/// Whether a share of `shots` agrees with a check value to 3.5 deviations of both, the check value's
/// being those of 1,500 shots (±0.013 at ½), and half of the last digit it is given to.
private func agrees(_ share: Double, _ expected: Double) -> Bool {
    let p = min(max(expected, 0.002), 0.998)
    let deviation = (p * (1 - p) * (1 / 1500.0 + 1 / Double(shots))).squareRoot()
    return abs(share - expected) < 3.5 * deviation + 0.005
}

private func spin(field: Double = 0, temperature: Double = 300) -> Macrospin {
    Macrospin(
        device: DeviceParameters(), biasFieldMicrotesla: 20_000, easyAxisFieldMicrotesla: field,
        temperatureKelvin: temperature)
}

@Suite(
    "Macrospin against another program's values: widths, period, temperature, easy-axis field; symmetry of the states"
)
struct MacrospinTests {
    private static let row = [
        CheckValue(200, 0.006), CheckValue(450, 0.46), CheckValue(600, 0.84),
        CheckValue(900, 1), CheckValue(1350, 0.54), CheckValue(1800, 0), CheckValue(2250, 0.50),
        CheckValue(2700, 1), CheckValue(3600, 0), CheckValue(4500, 0.99), CheckValue(7200, 0.13),
        CheckValue(9000, 0.28), CheckValue(12_000, 0.08), CheckValue(16_000, 0.49),
        CheckValue(20_000, 0.74),
    ]

    @Test("the switching probability follows the precession as the pulse gets longer")
    func widths() {
        let shares = spin().switchingProbabilities(
            amplitudeMillivolts: 1550, widths: Self.row.map(\.place), from: .down, shots: shots,
            seed: 60)
        for (share, value) in zip(shares, Self.row) {
            #expect(agrees(share, value.probability), "\(value.place) ps: \(share)")
        }
        // Another amplitude gives another curve: the comparison can fail.
        let others = spin().switchingProbabilities(
            amplitudeMillivolts: 1450, widths: Self.row.map(\.place), from: .down, shots: shots,
            seed: 60)
        #expect(!zip(others, Self.row).allSatisfy { agrees($0, $1.probability) })
    }

    @Test("its period is 2π/(γ·Bx), 1.79 ns, at the critical voltage")
    func period() {
        let widths = Array(stride(from: 0.0, through: 3568, by: 44.6))
        let shares = spin().switchingProbabilities(
            amplitudeMillivolts: 1528.6, widths: widths, from: .down, shots: 1024, seed: 61)
        // The phase of the fundamental in each of two windows, one period long and one apart: the
        // same if the period is that of the windows.
        func phase(from first: Int, period: Double) -> Double {
            let sums = (first..<first + 40).reduce((0.0, 0.0)) { sums, index in
                let angle = 2 * Double.pi * widths[index] / period
                return (sums.0 + shares[index] * cos(angle), sums.1 + shares[index] * sin(angle))
            }
            return atan2(sums.1, sums.0)
        }
        let period = 1784.0
        let turned = phase(from: 40, period: period) - phase(from: 0, period: period)
        // Damping makes the curve more alike to a cosine from one period to the next.
        #expect(abs(remainder(turned, 2 * .pi)) < 0.15, "\(turned)")
        // A period 5 % off would be out of phase by 0.3.
        let wrong = phase(from: 40, period: 1.05 * period) - phase(from: 0, period: 1.05 * period)
        #expect(abs(remainder(wrong, 2 * .pi)) > 0.2, "\(wrong)")
    }

    /// The values were given for 250 to 400 K, without the temperatures between: these are assumed.
    static let temperatures = [
        CheckValue(250, 0.395), CheckValue(275, 0.435), CheckValue(300, 0.463),
        CheckValue(325, 0.483), CheckValue(350, 0.489), CheckValue(400, 0.494),
    ]

    private static func share(_ device: DeviceParameters, kelvin: Double) -> Double {
        Macrospin(
            device: device, biasFieldMicrotesla: 20_000, easyAxisFieldMicrotesla: 0,
            temperatureKelvin: kelvin
        ).switchingProbabilities(
            amplitudeMillivolts: 1550, widths: [450], from: .down, shots: shots, seed: 62)[0]
    }

    @Test("it rises with temperature at a quarter of the period", arguments: temperatures)
    func temperature(value: CheckValue) {
        let share = Self.share(DeviceParameters(), kelvin: value.place)
        #expect(agrees(share, value.probability), "\(share)")
    }

    @Test("it would not if the magnetisation and the anisotropy did not fall with temperature")
    func thermalFieldAlone() {
        let shares = Self.temperatures.map { value in
            // What makes up for the scaling.
            let scaling = ThermalScaling(temperatureKelvin: value.place)
            var device = DeviceParameters()
            device.magnetisation /= scaling.magnetisation
            device.anisotropyEnergy /= scaling.anisotropyEnergy
            device.vcmaCoefficient /= scaling.vcmaCoefficient
            return Self.share(device, kelvin: value.place)
        }
        #expect(!zip(shares, Self.temperatures).allSatisfy { agrees($0, $1.probability) })
        #expect(shares[0] > shares[2] - 0.03)
    }

    /// Of the reference, that it is a fault region: from hardly ever to more often than not.
    @Test("at 7.2 ns it is anything from 250 to 400 K")
    func intermediate() {
        let shares = Self.temperatures.map { value in
            spin(temperature: value.place).switchingProbabilities(
                amplitudeMillivolts: 1550, widths: [7200], from: .down, shots: 1024, seed: 66)[0]
        }
        #expect((shares.min() ?? 1) < 0.02)
        #expect((0.7...0.85).contains(shares.max() ?? 0), "\(shares)")
    }

    @Test(
        "a field of 2 mT along the easy axis makes it depend on the state",
        arguments: [(450.0, 0.531, 0.433), (16_000, 0.681, 0.464)])
    func field(width: Double, fromDown: Double, fromUp: Double) {
        for (start, expected) in [(DeviceState.down, fromDown), (.up, fromUp)] {
            let share = spin(field: 2000).switchingProbabilities(
                amplitudeMillivolts: 1550, widths: [width], from: start, shots: shots, seed: 63)[0]
            #expect(agrees(share, expected), "from \(start): \(share)")
        }
    }

    @Test("the state up in a field is the state down in the opposite field")
    func symmetry() {
        let widths = [300.0, 450, 1350]
        let up = spin(field: 2000).switchingProbabilities(
            amplitudeMillivolts: 1550, widths: widths, from: .up, shots: shots, seed: 64)
        let down = spin(field: -2000).switchingProbabilities(
            amplitudeMillivolts: 1550, widths: widths, from: .down, shots: shots, seed: 65)
        for (a, b) in zip(up, down) {
            let p = (a + b) / 2
            let z = (a - b) / (2 * p * (1 - p) / Double(shots)).squareRoot()
            #expect(abs(z) < zLimit)
        }
    }
}

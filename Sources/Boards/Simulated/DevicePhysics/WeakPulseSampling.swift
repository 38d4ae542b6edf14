// SPDX-License-Identifier: Apache-2.0

import BoardProtocol

extension WeakPulseSurface {
    static let method = "Fokker-Planck equation of the macrospin in spherical harmonics, from equilibrium"

    /// Makes the weak-pulse surface of a preset. The same on every run; takes about a quarter of an hour.
    ///
    /// - Parameter progress: called with the parts done and their number.
    package static func make(_ preset: ArrayPreset, progress: (Int, Int) -> Void) -> WeakPulseSurface {
        let grid = preset.weakPulseGrid
        var values: [Int16] = []
        let parts = grid.count / (grid.anisotropies.points.count * grid.widths.points.count)
        for field in grid.fields.points {
            for kelvin in grid.temperatures.points {
                for resting in grid.restingAnisotropies.points {
                    let fields = preset.fields(
                        easyAxis: field, temperatureKelvin: kelvin, restingAnisotropy: resting)
                    let equation = SwitchingEquation(
                        fields, settlingDamping: max(Macrospin.completeSettlingDamping, fields.damping))
                    for anisotropy in grid.anisotropies.points {
                        let row = equation.probabilities(
                            anisotropy: anisotropy * 1e-6, widths: grid.widths.points)
                        values += row.map { Int16((unitsPerProbit * Probit.value(of: $0)).rounded()) }
                    }
                    progress(values.count * parts / grid.count, parts)
                }
            }
        }
        return WeakPulseSurface(grid: grid, values: values)
    }
}

extension ArrayPreset {
    /// What the nominal device depends on, with another anisotropy field without voltage. Fields in µT.
    fileprivate func fields(
        easyAxis: Double, temperatureKelvin: Double, restingAnisotropy: Double
    ) -> MacrospinFields {
        let device = device.at(temperatureKelvin: temperatureKelvin)
        return MacrospinFields(
            bias: operatingPoint.biasFieldMicrotesla * 1e-6, easyAxis: easyAxis * 1e-6,
            restingAnisotropy: restingAnisotropy * 1e-6,
            thermal: Constants.boltzmann * temperatureKelvin / device.moment, damping: device.damping)
    }
}

extension WeakPulseSurface {
    /// Compares the surface with new shots of level 1, at places between its points: devices of an array with spread, at
    /// amplitudes and temperatures drawn from the seed, with the widths that give probabilities of 0.1 to 5 %.
    ///
    /// - Parameters:
    ///   - points: at least so many are compared, `pulseShares.count` of each device.
    ///   - shots: of each device, starting down.
    package func compare(points: Int, preset: ArrayPreset, shots: Int, seed: UInt64) -> WeakPulseComparison {
        var random = SplitMix64(seed: seed)
        var comparison = WeakPulseComparison()
        while comparison.points.count < points {
            let kelvin = Double.random(in: 255...395, using: &random)
            var point = preset.operatingPoint
            point.amplitudeMillivolts = .random(in: 1150...2650, using: &random)
            point.biasFieldMicrotesla *= .random(in: 0.95...1.05, using: &random)
            let device = ArraySpread().devices(
                count: 1, preset: preset, parameters: preset.device, using: &random)[0]
            let widths = weakWidths(of: device, at: point, temperatureKelvin: kelvin)
            guard widths.count == Self.pulseShares.count, !device.isDead else { continue }
            let spin = Macrospin(
                device: device.parameters, biasFieldMicrotesla: point.biasFieldMicrotesla,
                easyAxisFieldMicrotesla: device.strayFieldMicrotesla, temperatureKelvin: kelvin, settlesCompletely: true
            )
            let shares = spin.switchingProbabilities(
                amplitudeMillivolts: point.amplitudeMillivolts, widths: widths, from: .down, shots: shots,
                seed: random.next())
            for (width, share) in zip(widths, shares) {
                point.pulseWidthPicoseconds = width
                let place = device.place(at: point, trim: 0, temperatureKelvin: kelvin)
                comparison.points.append(
                    WeakPulseComparison.Point(
                        place: place, probability: chain(at: place).p01, share: share, shots: shots))
            }
        }
        return comparison
    }

    /// The probabilities at which devices are compared.
    static let pulseShares = [0.001, 0.004, 0.015, 0.05]

    /// The first width in ps at which the device switches with each of these probabilities; fewer if the surface ends before.
    private func weakWidths(
        of device: ArrayDevice, at point: OperatingPoint, temperatureKelvin: Double
    ) -> [Double] {
        var point = point
        var widths: [Double] = []
        var width = 60.0
        while widths.count < Self.pulseShares.count, width < ArrayPreset.transitionPicoseconds.lowerBound {
            point.pulseWidthPicoseconds = width
            let place = device.place(at: point, trim: 0, temperatureKelvin: temperatureKelvin)
            if chain(at: place).p01 >= Self.pulseShares[widths.count] { widths.append(width) }
            width += 0.7
        }
        return widths
    }
}

/// A weak-pulse surface next to new shots of level 1.
package struct WeakPulseComparison: Sendable, CustomStringConvertible {
    package struct Point: Sendable {
        package let place: SwitchingSurface.Place
        /// The probability by the surface.
        package let probability: Double
        /// The share of the shots of level 1 in which the device switched.
        package let share: Double
        package let shots: Int

        /// Whether a probability is that of the shots to 3 % of itself, and to so many deviations of the shots.
        package func isNear(_ probability: Double, deviations: Double) -> Bool {
            let deviation = (max(probability, share) / Double(shots)).squareRoot()
            return abs(share - probability) < 0.03 * probability + deviations * deviation
        }
    }

    package fileprivate(set) var points: [Point] = []

    /// By how much the surface is off on average, as a part of the probability, and the deviation that this has by the
    /// shots.
    package var meanError: (value: Double, deviation: Double) {
        let (expected, found) = points.reduce((0.0, 0.0)) { ($0.0 + $1.probability, $0.1 + $1.share) }
        // The widths of a device share their shots: as if they were one.
        let counts = points.reduce(0.0) { $0 + $1.share * Double($1.shots) }
        let together = Double(WeakPulseSurface.pulseShares.count)
        return (expected / found - 1, (together / max(counts, 1)).squareRoot())
    }

    package var agrees: Bool {
        let (value, deviation) = meanError
        return abs(value) < 0.01 + 3.5 * deviation && points.allSatisfy { $0.isNear($0.probability, deviations: 4.5) }
    }

    package var description: String {
        let worst = points.map { abs($0.probability / $0.share - 1) }.max() ?? 0
        return "\(points.count) points: off by \(meanError.value) of the probability on average ± "
            + "\(meanError.deviation), by \(worst) at most"
    }
}

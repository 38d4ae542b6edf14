// SPDX-License-Identifier: Apache-2.0

import Glibc

/// How the devices of an array differ from one another.
///
/// The values are assumptions: what the spread of the array of Cheng et al. is, is not known here.
package struct ArraySpread: Sendable, Equatable {
    /// Relative standard deviation of the diameter.
    package var diameter = 0.03
    /// Relative standard deviation of the interface anisotropy. 1 % would move the voltage at which
    /// two devices behave alike by 0.2 V, and one amplitude would not suit an array.
    package var anisotropyEnergy = 0.0015
    /// Relative standard deviation of the resistance-area product.
    package var resistanceArea = 0.04
    /// Standard deviation of the field along the easy axis.
    package var strayFieldMicrotesla = 200.0
    /// Fraction of devices that never switch.
    package var deadDeviceFraction = 0.001

    package init() {}

    /// An array without any difference between its devices.
    package static var none: ArraySpread {
        var spread = ArraySpread()
        spread.diameter = 0
        spread.anisotropyEnergy = 0
        spread.resistanceArea = 0
        spread.strayFieldMicrotesla = 0
        spread.deadDeviceFraction = 0
        return spread
    }

    /// Draws the devices of an array. Quantities are normally distributed, cut off at 5 deviations.
    ///
    /// - Parameter parameters: the mean device.
    package func devices(
        count: Int, preset: ArrayPreset, parameters: DeviceParameters,
        using generator: inout some RandomNumberGenerator
    ) -> [ArrayDevice] {
        (0..<count).map { _ in
            device(preset: preset, parameters: parameters, using: &generator)
        }
    }

    private func device(
        preset: ArrayPreset, parameters: DeviceParameters,
        using generator: inout some RandomNumberGenerator
    ) -> ArrayDevice {
        let isDead = Double.random(in: 0..<1, using: &generator) < deadDeviceFraction
        let (first, second) = Self.normalPair(using: &generator)
        let (third, fourth) = Self.normalPair(using: &generator)
        var parameters = parameters
        parameters.diameterNanometres *= 1 + diameter * first
        parameters.anisotropyEnergy *= 1 + anisotropyEnergy * second
        parameters.resistanceArea *= 1 + resistanceArea * third
        return ArrayDevice(
            preset: preset, parameters: parameters,
            strayFieldMicrotesla: strayFieldMicrotesla * fourth, isDead: isDead)
    }

    /// Two independent standard normal numbers (Box and Muller 1958), cut off at ±5.
    private static func normalPair(
        using generator: inout some RandomNumberGenerator
    ) -> (Double, Double) {
        let radius = (-2 * log(1 - Double.random(in: 0..<1, using: &generator))).squareRoot()
        let angle = 2 * Double.pi * Double.random(in: 0..<1, using: &generator)
        return (min(radius, 5) * cos(angle), min(radius, 5) * sin(angle))
    }
}

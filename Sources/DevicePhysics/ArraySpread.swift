// SPDX-License-Identifier: Apache-2.0

import Glibc

/// How the devices of an array differ from one another at a common operating point.
///
/// The values are assumptions: what the spread of the array of Cheng et al. is, is not known here.
package struct ArraySpread: Sendable, Equatable {
    /// Mean over the devices of the probability of switching in a shot.
    package var meanSwitchingProbability: Double
    /// Standard deviation over the devices of that probability.
    package var deviceSpread: Double
    /// Standard deviation over the devices of (p01 − p10) / 2, which a stray field along the easy
    /// axis makes.
    package var stateDependence: Double
    /// Fraction of devices that never switch.
    package var deadDeviceFraction: Double

    package init(
        meanSwitchingProbability: Double, deviceSpread: Double, stateDependence: Double,
        deadDeviceFraction: Double
    ) {
        self.meanSwitchingProbability = meanSwitchingProbability
        self.deviceSpread = deviceSpread
        self.stateDependence = stateDependence
        self.deadDeviceFraction = deadDeviceFraction
    }

    /// Draws the devices of an array.
    package func chains(
        count: Int, using generator: inout some RandomNumberGenerator
    ) -> [SwitchingChain] {
        (0..<count).map { _ in chain(using: &generator) }
    }

    private func chain(using generator: inout some RandomNumberGenerator) -> SwitchingChain {
        let isDead = Double.random(in: 0..<1, using: &generator) < deadDeviceFraction
        let (first, second) = Self.normalPair(using: &generator)
        guard !isDead else { return .dead }
        let mean = meanSwitchingProbability + deviceSpread * first
        let difference = stateDependence * second
        return SwitchingChain(
            p01: min(max(mean + difference, 0), 1), p10: min(max(mean - difference, 0), 1))
    }

    /// Two independent standard normal numbers (Box and Muller 1958).
    private static func normalPair(
        using generator: inout some RandomNumberGenerator
    ) -> (Double, Double) {
        let radius = (-2 * log(1 - Double.random(in: 0..<1, using: &generator))).squareRoot()
        let angle = 2 * Double.pi * Double.random(in: 0..<1, using: &generator)
        return (radius * cos(angle), radius * sin(angle))
    }
}

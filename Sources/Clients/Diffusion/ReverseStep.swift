// SPDX-License-Identifier: Apache-2.0

/// A step back of the diffusion process: the chances of devices to have been up a few pulses earlier, given what they
/// are now and what they were at the start.
///
/// Exact for a device whose start is known. For a pixel, of which only the mean start is known, it is tau-leaping with
/// the rates of the mean (Winkler, Richter and Opper, ICML 2024); the error vanishes with the length of the step.
package struct ReverseStep {
    /// The chances of a device to be up at the earlier moment.
    package struct Chances {
        /// The probability for a device that is up now.
        package let stay: Double
        /// The probability for a device that is down now.
        package let rise: Double
    }

    private let devices: Double
    /// The odds for a device to be in the state now that it had at the start, squared.
    private let oddsSquared: Double
    /// The chances to be in the same state: at the start and now, at the start and earlier, earlier and now.
    private let sameNow, sameEarlier, sameBetween: Double

    /// - Parameters:
    ///   - devices: of a pixel.
    ///   - now: a of the later moment, below 1.
    ///   - earlier: a of the earlier moment, from `now` to 1.
    package init(devices: Int, now: Double, earlier: Double) {
        precondition(now < 1 && earlier >= now && now > 0)
        self.devices = Double(devices)
        let odds = (1 + now) / (1 - now)
        oddsSquared = odds * odds
        sameNow = (1 + now) / 2
        sameEarlier = (1 + earlier) / 2
        sameBetween = (1 + now / earlier) / 2
    }

    /// - Parameters:
    ///   - up: the number of devices of the pixel that are up now.
    ///   - cleanUp: the expected number of them that were up at the start.
    package func chances(up: Double, cleanUp: Double) -> Chances {
        let both = expectedBoth(up, cleanUp)
        let down = devices - up
        // The chances that a device that is up, and one that is down, was up at the start.
        let startOfUp = up > 0 ? min(max(both / up, 0), 1) : 0
        let startOfDown = down > 0 ? min(max((cleanUp - both) / down, 0), 1) : 0
        let (kept, lost) = (sameEarlier * sameBetween / sameNow, (1 - sameEarlier) * sameBetween / (1 - sameNow))
        let (undone, twice) = (
            sameEarlier * (1 - sameBetween) / (1 - sameNow), (1 - sameEarlier) * (1 - sameBetween) / sameNow
        )
        return Chances(
            stay: startOfUp * kept + (1 - startOfUp) * lost, rise: startOfDown * undone + (1 - startOfDown) * twice)
    }

    /// The expected number J of devices that are up now and were up at the start: the root of
    /// J(K − n − n₀ + J) = R(n − J)(n₀ − J), in the form that does not cancel.
    private func expectedBoth(_ up: Double, _ cleanUp: Double) -> Double {
        let a = oddsSquared - 1
        let b = -(oddsSquared * (up + cleanUp) + devices - up - cleanUp)
        let c = oddsSquared * up * cleanUp
        let root = max(b * b - 4 * a * c, 0).squareRoot()
        let divisor = root - b
        return divisor > 0 ? 2 * c / divisor : 0
    }
}

// SPDX-License-Identifier: Apache-2.0

/// A pixel as the number of devices that are up, of several.
///
/// The whole range of counts is used: black is no device up, white all of them. With 16 devices the 17 grey levels of
/// the 8×8 digits are exact.
public struct ThermometerCode: Hashable, Sendable {
    /// The number of devices of a pixel.
    public let devices: Int

    /// - Parameter devices: of a pixel; 1 or more.
    public init(devices: Int = 16) {
        precondition(devices > 0)
        self.devices = devices
    }

    /// What to do with a grey level between two counts.
    public enum Rounding: Sendable {
        /// The nearest count: the error of a pixel is the same each time.
        case nearest
        /// One of the two neighbours at random, so that the mean over many encodings is the grey level.
        case random
    }

    /// The exact count of a grey level, a fraction when the level is between two counts.
    ///
    /// - Parameter level: from −1 to 1; others are taken as the nearest of these.
    public func exactCount(of level: Double) -> Double {
        Double(devices) / 2 * (1 + min(max(level, -1), 1))
    }

    /// The number of devices that are up for a grey level.
    public func count(
        of level: Double, rounding: Rounding, bits: RandomBits
    ) throws(DiffusionError) -> Int {
        let exact = exactCount(of: level)
        switch rounding {
        case .nearest: return Int(exact.rounded())
        case .random:
            let lower = exact.rounded(.down)
            // A level that is a count up to the rounding of its arithmetic takes no bits.
            let fraction = exact - lower
            if fraction < 1e-9 { return Int(lower) }
            if fraction > 1 - 1e-9 { return Int(lower) + 1 }
            return Int(lower) + (try bits.coin(fraction) ? 1 : 0)
        }
    }

    /// The grey level of a count.
    public func level(of count: Int) -> Double { 2 * Double(count) / Double(devices) - 1 }

    // MARK: Noise

    /// The share ᾱ of the signal in the variance of the noise model that diffusion models use, for devices that have kept
    /// this much of their state: K·a² / (K·a² + 1 − a²).
    ///
    /// - Parameter correlation: a, the correlation of a device with the state that it was written to, from 0 to 1.
    public func signalShare(correlation: Double) -> Double {
        let signal = Double(devices) * correlation * correlation
        return signal / (signal + 1 - correlation * correlation)
    }

    /// The correlation at which the share of the signal is this: the inverse of `signalShare`.
    ///
    /// - Parameter signalShare: ᾱ, from 0 to 1.
    public func correlation(signalShare: Double) -> Double {
        let remaining = Double(devices) * (1 - signalShare)
        return (signalShare / (remaining + signalShare)).squareRoot()
    }

    /// Turns counts into what a model takes: √ᾱ·x₀ + √(1−ᾱ)·ε with ε of unit variance.
    ///
    /// - Parameters:
    ///   - counts: the numbers of devices that are up.
    ///   - correlation: a, that of the moment of the counts.
    ///   - offset: b, the mean of all devices at the moment of the counts, from −1 to 1; it is subtracted.
    public func noisyImage(
        _ counts: some Collection<UInt16>, correlation: Double, offset: Double = 0
    ) -> [Float] {
        let (middle, scale) = self.scale(correlation, offset)
        return counts.map { Float((Double($0) - middle) * scale) }
    }

    func scale(_ correlation: Double, _ offset: Double) -> (middle: Double, scale: Double) {
        let square = correlation * correlation
        let variance = Double(devices) * square + 1 - square
        return (Double(devices) / 2 * (1 + offset), 2 / (Double(devices) * variance).squareRoot())
    }
}

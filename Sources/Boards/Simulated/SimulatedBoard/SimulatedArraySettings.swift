// SPDX-License-Identifier: Apache-2.0

package import BoardProtocol
package import DevicePhysics
import Glibc

/// What a simulated array is made of, and what disturbs it.
package struct SimulatedArraySettings: Sendable {
    package var preset: ArrayPreset
    /// The mean device. Valid.
    package var parameters: DeviceParameters
    package var spread = ArraySpread()
    package var operatingPoint: OperatingPoint
    package var temperatureKelvin = 300.0
    /// How the probabilities of each device drift.
    package var drift = OrnsteinUhlenbeck(deviation: 0, seconds: 100)
    package var memory = DeviceMemory(amplitude: 0, shots: 2)
    /// Probability that a state is read wrongly.
    package var readErrorRate = 0.0
    /// By how much a common disturbance moves the probability of all devices up or down.
    package var commonModeAmplitude = 0.0
    /// How many shots are a second of the model's time.
    package var shotsPerSecond = 1e6

    /// An array of the preset's devices at the preset's operating point, without disturbances.
    package init(_ preset: ArrayPreset) {
        self.preset = preset
        parameters = preset.device
        operatingPoint = preset.operatingPoint
    }
}

/// Correlation of the shots of a device over microseconds: a hidden bit which flips at random moves
/// the probability up or down.
package struct DeviceMemory: Sendable, Equatable {
    /// By how much, in probability; 0 for no memory.
    package let amplitude: Double
    /// With what probability the bit flips before a shot, in sixteenths.
    package let flips: UInt32

    /// - Parameter shots: after how many shots the correlation has decayed to 1/e; the nearest that a
    ///   probability of flipping in sixteenths gives.
    package init(amplitude: Double, shots: Double) {
        precondition(amplitude >= 0 && shots > 0)
        self.amplitude = amplitude
        flips = UInt32(max(1, min(8, (8 * (1 - exp(-1 / shots))).rounded())))
    }

    /// Correlation of the hidden bit with itself `lag` shots later: (1 − 2q)^lag.
    package func correlation(lag: Int) -> Double { pow(1 - Double(flips) / 8, Double(lag)) }

    var isOff: Bool { amplitude == 0 }
}

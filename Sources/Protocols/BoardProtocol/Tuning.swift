// SPDX-License-Identifier: Apache-2.0

/// What can be set about the devices of a board, and within which limits.
package struct Tuning: Sendable, Equatable {
    /// Pulse amplitude in mV; the upper end keeps away from the breakdown of the oxide.
    package let amplitudeMillivolts: ClosedRange<Double>
    /// Pulse width in ps.
    package let pulseWidthPicoseconds: ClosedRange<Double>
    /// In-plane bias field in µT.
    package let biasFieldMicrotesla: ClosedRange<Double>
    /// Trim of a lane, in steps of the board's own. What a step does to the lane is not said: whoever
    /// trims a lane measures it.
    package let trim: ClosedRange<Int16>
    /// How many shots may still come with the trim before, once a new one is set.
    package let trimLatencyShots: Int

    package init(
        amplitudeMillivolts: ClosedRange<Double>, pulseWidthPicoseconds: ClosedRange<Double>,
        biasFieldMicrotesla: ClosedRange<Double>, trim: ClosedRange<Int16>, trimLatencyShots: Int
    ) {
        self.amplitudeMillivolts = amplitudeMillivolts
        self.pulseWidthPicoseconds = pulseWidthPicoseconds
        self.biasFieldMicrotesla = biasFieldMicrotesla
        self.trim = trim
        self.trimLatencyShots = trimLatencyShots
    }

    /// The first thing about a point that is outside the limits; nil when nothing is.
    package func violation(of point: OperatingPoint) -> TuningViolation? {
        let checks = [
            ("amplitudeMillivolts", point.amplitudeMillivolts, amplitudeMillivolts),
            ("pulseWidthPicoseconds", point.pulseWidthPicoseconds, pulseWidthPicoseconds),
            ("biasFieldMicrotesla", point.biasFieldMicrotesla, biasFieldMicrotesla),
        ]
        // Written so that a value that is no number is outside.
        return checks.first { !$0.2.contains($0.1) }.map {
            TuningViolation(quantity: $0.0, value: $0.1, limits: $0.2)
        }
    }
}

/// A quantity of an operating point that is outside the board's limits.
package struct TuningViolation: Error, Sendable, Equatable, CustomStringConvertible {
    /// As in the control interface: the unit is part of the name.
    package let quantity: String
    package let value: Double
    package let limits: ClosedRange<Double>

    package var description: String {
        "\(quantity) \(value) is outside \(limits.lowerBound) to \(limits.upperBound)"
    }
}

/// What a board measures about itself beside the bits.
package struct BoardTelemetry: Sendable, Equatable {
    package var temperatureCelsius: Double
    /// Resistance of each lane's device in Ω, averaged over its states. It moves with the slow drift
    /// of the device (El Valli 2025).
    package var resistanceOhms: [Float]

    package init(temperatureCelsius: Double, resistanceOhms: [Float]) {
        self.temperatureCelsius = temperatureCelsius
        self.resistanceOhms = resistanceOhms
    }
}

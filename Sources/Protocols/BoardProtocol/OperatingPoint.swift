// SPDX-License-Identifier: Apache-2.0

/// What the devices of a board are driven with. The trim of single lanes is the board's own affair.
package struct OperatingPoint: Sendable, Equatable {
    /// Pulse amplitude in mV.
    package var amplitudeMillivolts: Double
    /// Pulse width in ps.
    package var pulseWidthPicoseconds: Double
    /// In-plane bias field in µT.
    package var biasFieldMicrotesla: Double

    package init(
        amplitudeMillivolts: Double, pulseWidthPicoseconds: Double, biasFieldMicrotesla: Double
    ) {
        self.amplitudeMillivolts = amplitudeMillivolts
        self.pulseWidthPicoseconds = pulseWidthPicoseconds
        self.biasFieldMicrotesla = biasFieldMicrotesla
    }
}

/// What a bit of a shot says.
package enum LaneEncoding: Sendable, Equatable {
    /// Whether the device switched in the shot. Used with short pulses (quarter period).
    case toggles
    /// The state of the device after the shot. Used with long pulses.
    case states
}

// SPDX-License-Identifier: Apache-2.0

/// The quantities that the devices of a board are driven with. The trim of single lanes is not a part of it: the
/// trim loop sets that, within the limits of the board's `Tuning`.
package struct OperatingPoint: Codable, Sendable, Equatable {
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

    /// This point with the quantities that the other one has.
    package func replacing(_ part: PartialOperatingPoint) -> OperatingPoint {
        OperatingPoint(
            amplitudeMillivolts: part.amplitudeMillivolts ?? amplitudeMillivolts,
            pulseWidthPicoseconds: part.pulseWidthPicoseconds ?? pulseWidthPicoseconds,
            biasFieldMicrotesla: part.biasFieldMicrotesla ?? biasFieldMicrotesla)
    }
}

/// Some quantities of an operating point; nil for one that stays as it is.
package struct PartialOperatingPoint: Codable, Sendable, Equatable {
    /// Pulse amplitude in mV.
    package var amplitudeMillivolts: Double?
    /// Pulse width in ps.
    package var pulseWidthPicoseconds: Double?
    /// In-plane bias field in µT.
    package var biasFieldMicrotesla: Double?

    package init(
        amplitudeMillivolts: Double? = nil, pulseWidthPicoseconds: Double? = nil,
        biasFieldMicrotesla: Double? = nil
    ) {
        self.amplitudeMillivolts = amplitudeMillivolts
        self.pulseWidthPicoseconds = pulseWidthPicoseconds
        self.biasFieldMicrotesla = biasFieldMicrotesla
    }

    /// All quantities of a point.
    package init(_ point: OperatingPoint) {
        self.init(
            amplitudeMillivolts: point.amplitudeMillivolts,
            pulseWidthPicoseconds: point.pulseWidthPicoseconds,
            biasFieldMicrotesla: point.biasFieldMicrotesla)
    }

    /// Whether every quantity stays as it is.
    package var isEmpty: Bool { self == PartialOperatingPoint() }
}

/// What a bit of a shot says.
package enum LaneEncoding: Sendable, Equatable {
    /// Whether the device switched in the shot. Used with short pulses (quarter period).
    case toggles
    /// The state of the device after the shot. Used with long pulses.
    case states
}

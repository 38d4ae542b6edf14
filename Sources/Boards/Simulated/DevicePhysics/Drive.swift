// SPDX-License-Identifier: Apache-2.0

/// What a device is pulsed with.
package struct Drive: Sendable, Equatable {
    package var amplitudeMillivolts: Double
    package var pulseWidthPicoseconds: Double
    /// Field in the plane of the layers, about which the magnetisation precesses; above 0.
    package var biasFieldMicrotesla: Double

    package init(
        amplitudeMillivolts: Double, pulseWidthPicoseconds: Double, biasFieldMicrotesla: Double
    ) {
        precondition(pulseWidthPicoseconds >= 0 && biasFieldMicrotesla > 0)
        self.amplitudeMillivolts = amplitudeMillivolts
        self.pulseWidthPicoseconds = pulseWidthPicoseconds
        self.biasFieldMicrotesla = biasFieldMicrotesla
    }

    var volts: Double { amplitudeMillivolts / 1000 }
}

/// What devices may be pulsed with.
package struct DriveLimits: Sendable, Equatable {
    package let amplitudeMillivolts: ClosedRange<Double>
    package let pulseWidthPicoseconds: ClosedRange<Double>
    package let biasFieldMicrotesla: ClosedRange<Double>
}

/// The state of a device, which is the bit that is read from it.
package enum DeviceState: Sendable, CaseIterable {
    /// Magnetisation along −z: bit 0.
    case down
    /// Magnetisation along +z: bit 1.
    case up
}

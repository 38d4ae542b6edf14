// SPDX-License-Identifier: Apache-2.0

import BoardProtocol

/// The operating points that devices may be driven at: pulse widths of 0 or more, and a bias field above 0, about
/// which the magnetisation precesses.
package struct DriveLimits: Sendable, Equatable {
    package let amplitudeMillivolts: ClosedRange<Double>
    package let pulseWidthPicoseconds: ClosedRange<Double>
    package let biasFieldMicrotesla: ClosedRange<Double>
}

extension OperatingPoint {
    /// Pulse amplitude in V.
    var volts: Double { amplitudeMillivolts / 1000 }
}

/// The state of a device, which is the bit that is read from it.
package enum DeviceState: Sendable, CaseIterable {
    /// Magnetisation along −z: bit 0.
    case down
    /// Magnetisation along +z: bit 1.
    case up
}

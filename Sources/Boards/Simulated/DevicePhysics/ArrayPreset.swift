// SPDX-License-Identifier: Apache-2.0

package import BoardProtocol

/// A way to drive an array, with the device that it suits.
///
/// Devices are typical of the literature; operating points are the model's own.
package enum ArrayPreset: String, Sendable, CaseIterable {
    /// A pulse of about a quarter of the precession: the magnetisation is left near the plane, and a
    /// shot switches a device with probability ½ whatever its state. Bits are switches.
    ///
    /// The amplitude is below the critical voltage, where the probability crosses ½ steeply. Around
    /// the critical voltage it stays within a few points of ½ for 0.2 ns, below it for some devices
    /// and above for others, so that not every one could be trimmed to ½. Heat lowers the critical
    /// voltage; the amplitude is far enough from it for an array at 340 K.
    case quarterPeriod
    /// A pulse so long that strong damping has ended the precession: a shot forgets the state before.
    /// Bits are states.
    case damped

    package var device: DeviceParameters {
        var device = DeviceParameters()
        switch self {
        case .quarterPeriod: device.damping = 0.03
        case .damped: device.damping = 0.1
        }
        return device
    }

    package var operatingPoint: OperatingPoint {
        switch self {
        case .quarterPeriod:
            OperatingPoint(
                amplitudeMillivolts: 1230, pulseWidthPicoseconds: 460, biasFieldMicrotesla: 20_000)
        case .damped:
            OperatingPoint(
                amplitudeMillivolts: 1800, pulseWidthPicoseconds: 14_000,
                biasFieldMicrotesla: 20_000)
        }
    }

    /// A point at which a pulse seldom switches a device: about 1 % of the pulses at the median device of an array. For
    /// array operations: many such pulses in a row, without reads, make a diffusion of the states. It is no point for the
    /// stream: lanes fail the health tests, unless the daemon lengthens their pulses by trims until they switch as often as
    /// not.
    ///
    /// Short and high, so that the anisotropy, the diameter and the temperature matter less than at lower amplitudes.
    package var weakPoint: OperatingPoint {
        OperatingPoint(
            amplitudeMillivolts: 2300, pulseWidthPicoseconds: self == .quarterPeriod ? 142 : 138,
            biasFieldMicrotesla: 20_000)
    }

    package var isToggleEncoded: Bool { self == .quarterPeriod }

    /// What a step of a lane's trim does: it is worth about 2.5e-5 of a probability.
    package var trimStep: TrimStep {
        switch self {
        case .quarterPeriod: .pulseWidth(picoseconds: 0.01)
        case .damped: .easyAxisField(microtesla: 0.36)
        }
    }

    /// Trims that can be set: ±200 ps, which takes a device from hardly ever to beyond the crest of
    /// its curve, cold or hot; or ±2.2 mT, which is ±15 percentage points.
    package var trimRange: ClosedRange<Int16> {
        switch self {
        case .quarterPeriod: -20_000...20_000
        case .damped: -6000...6000
        }
    }

    /// Where an array can be driven: points for which the surface has values, and no more than nine
    /// tenths of the amplitude that the oxide does not stand.
    package func driveLimits(breakdownMillivolts: Double) -> DriveLimits {
        DriveLimits(
            amplitudeMillivolts: 0...0.9 * breakdownMillivolts,
            pulseWidthPicoseconds: 0...(self == .quarterPeriod ? 9000 : 16_000),
            biasFieldMicrotesla: 10_000...40_000)
    }

    /// The points at which the preset's switching surface is made.
    package var surfaceGrid: SurfaceGrid {
        SurfaceGrid(
            anisotropies: Self.points(from: -60_000, (8, 7500), (8, 5000), (2, 7500)),
            widths: widths,
            temperatures: Self.points(from: 200, (1, 40), (4, 30), (2, 40), (1, 60)),
            fields: [-largestField, 0, largestField])
    }

    /// The points at which the preset's weak-pulse surface is made: for devices of the array between 250 and 430 K, or
    /// at 300 K and a bias field of 17 to 25 mT.
    package var weakPulseGrid: WeakPulseGrid {
        WeakPulseGrid(
            anisotropies: Self.points(from: -95_000, (8, 10_000), (9, 7500)),
            restingAnisotropies: Self.points(from: 70_000, (5, 14_000)),
            widths: Self.points(from: 0, (4, 20), (12, 10), (8, 15)),
            temperatures: [230, 275, 330, 400, 490],
            fields: Self.points(from: -largestField, (3, largestField / 1.5)))
    }

    /// Stray fields of the array, and those of the trims. In µT.
    private var largestField: Double {
        switch self {
        case .quarterPeriod: 1500
        case .damped: 3000
        }
    }

    /// Close together while the precession is sharp.
    private var widths: [Double] {
        switch self {
        case .quarterPeriod: Self.points(from: 0, (24, 50), (18, 100), (30, 200))
        case .damped: Self.points(from: 0, (30, 100), (15, 200), (20, 500))
        }
    }

    private static func points(
        from first: Double, _ pieces: (count: Int, distance: Double)...
    ) -> [Double] {
        var points = [first]
        for piece in pieces {
            for _ in 0..<piece.count { points.append(points[points.count - 1] + piece.distance) }
        }
        return points
    }
}

/// What a step of trim changes for one lane.
package enum TrimStep: Sendable, Equatable {
    case pulseWidth(picoseconds: Double)
    /// Field along the easy axis, of a compensation line at the device.
    case easyAxisField(microtesla: Double)
}

// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import ControlInterface
import Glibc

/// Made-up sweeps, whose P is a damped cosine around ½ as that of a precessing moment.
enum SampleSweeps {
    private static let proposal = OperatingPoint(
        amplitudeMillivolts: 1_100, pulseWidthPicoseconds: 437, biasFieldMicrotesla: 250)

    static func point(amplitude: Double = 1_100, width: Double) -> SweepPointReport {
        let period = 1_750 * 1_100 / amplitude
        let switching = (1 - exp(-width / 2_500) * cos(2 * .pi * width / period)) / 2
        return SweepPointReport(
            amplitudeMillivolts: amplitude, pulseWidthPicoseconds: width, switching: switching,
            ones: 0.25, deviation: 0.01, lagOne: -0.002)
    }

    private static func sweep(_ points: [SweepPointReport]) -> SweepReport {
        SweepReport(
            name: "board0", provenance: .simulated, points: points, proposal: proposal,
            reason: "the point at which the lanes are nearest to 50 % ones")
    }

    /// One amplitude, widths from 0 to 9 ns.
    static let precession = sweep((0...180).map { point(width: Double($0) * 50) })

    /// One width, amplitudes from 600 to 1600 mV.
    static let amplitudes = sweep(
        (0...40).map { point(amplitude: 600 + Double($0) * 25, width: 437) })

    /// Three amplitudes, nine widths each.
    static let map = sweep(
        [900, 1_100, 1_300].flatMap { amplitude in
            (0...8).map { point(amplitude: amplitude, width: Double($0) * 250) }
        })
}

// SPDX-License-Identifier: Apache-2.0

package import Diffusion
import Foundation

/// An array in software whose flip probability follows from width and trim: a tenth more for a picosecond, and a thousandth
/// more for a step of the trim.
package final class TunableSoftwareArray: TunableArray {
    package let array: SoftwareArray
    private let base: [SoftwareArray.Device]
    private let largest: Double
    private var trims: [Int]
    package private(set) var point = PulsePoint(
        amplitudeMillivolts: 1_000, widthPicoseconds: 500, biasFieldMicrotesla: 0)
    package let limits: PulseLimits
    package let trimLimits: ClosedRange<Int>? = -2_000...2_000

    /// - Parameters:
    ///   - largest: the most that `rise` and `fall` of a device become.
    ///   - widths: that it takes, in ps.
    package init(
        _ devices: [SoftwareArray.Device], largest: Double = 0.45, widths: ClosedRange<Double> = 10...10_000,
        seed: UInt64
    ) {
        base = devices
        self.largest = largest
        limits = PulseLimits(
            amplitudeMillivolts: 100...2_700, widthPicoseconds: widths, biasFieldMicrotesla: -100...100)
        trims = Array(repeating: 0, count: devices.count)
        array = SoftwareArray(devices: devices, seed: seed)
    }

    package var laneCount: Int { array.laneCount }
    package var origin: ArrayOrigin { array.origin }

    package func write(_ states: LaneBits, leaving mask: LaneBits?) { array.write(states, leaving: mask) }
    package func pulse(_ count: Int, leaving mask: LaneBits?) { array.pulse(count, leaving: mask) }
    package func read() -> LaneBits { array.read() }

    package func set(_ point: PulsePoint) {
        self.point = point
        update()
    }

    package func setTrims(_ trims: [Int]) {
        self.trims = trims
        update()
    }

    private func update() {
        array.devices = zip(base, trims).map { device, trim in
            let factor = exp((point.widthPicoseconds - 134) * 0.1 + Double(trim) * 0.001)
            return SoftwareArray.Device(
                rise: min(device.rise * factor, largest), fall: min(device.fall * factor, largest))
        }
    }

    /// The mean of all devices and both states.
    package var flipProbability: Double {
        array.devices.reduce(0) { $0 + $1.rise + $1.fall } / Double(2 * laneCount)
    }
}

// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import DevicePhysics
import Glibc
import OperatingPointControl
import SimulatedBoard
import TestSupport

/// The devices of the simulated array under a trim loop, with the counts of a measurement drawn at once instead of
/// shot by shot: a second of the array's time takes milliseconds.
struct MeasuredArray {
    let preset: ArrayPreset
    var loop: TrimLoop
    var kelvin: Double
    var point: OperatingPoint
    /// Whether pulses reach the devices.
    var isDriven = true
    /// In s of the array's time.
    private(set) var seconds = 0.0
    private let devices: [ArrayDevice]
    private var drifts: [Double]
    private var random: SeededGenerator

    private static let drift = OrnsteinUhlenbeck(deviation: 0.01, seconds: 100)
    private static let shotsPerSecond = 1e6
    /// A measurement, and two windows whose trims are not known.
    private static let measurementSeconds =
        Double(TrimLoop.measurementShots + 2048) / shotsPerSecond

    init(_ preset: ArrayPreset, lanes: Int, kelvin: Double, seed: UInt64) {
        self.preset = preset
        self.kelvin = kelvin
        point = preset.operatingPoint
        random = SeededGenerator(seed)
        var spread = ArraySpread()
        spread.deadDeviceFraction = 0
        devices = spread.devices(
            count: lanes, preset: preset, parameters: preset.device, using: &random)
        loop = TrimLoop(
            lanes: lanes, limits: preset.trimRange, shotsPerSecond: Self.shotsPerSecond,
            settings: TrimSettings())
        drifts = Array(repeating: 0, count: lanes)
        for lane in drifts.indices { drifts[lane] = Self.drift.deviation * normal() }
    }

    mutating func run(seconds duration: Double) {
        let end = seconds + duration
        while seconds < end { measure() }
    }

    private mutating func measure() {
        seconds += Self.measurementSeconds
        let shots = Double(TrimLoop.measurementShots)
        let trims = loop.trims
        var ones: [Int] = []
        for lane in devices.indices {
            drifts[lane] = Self.drift.value(
                after: Self.measurementSeconds, from: drifts[lane], normal: normal())
            let (share, variance) = share(lane, trim: trims[lane])
            let count = shots * share + (shots * variance).squareRoot() * normal()
            ones.append(Int(min(max(count, 0), shots).rounded()))
        }
        loop.enter(ones: ones)
    }

    /// The share of ones of a lane at a trim, and the variance of a bit with what its neighbours add to it.
    private func share(_ lane: Int, trim: Int16) -> (share: Double, variance: Double) {
        guard isDriven else { return (0, 0) }
        let chain = devices[lane].chain(
            at: point, trim: trim, temperatureKelvin: kelvin, drift: drifts[lane])
        if preset.isToggleEncoded {
            let share = chain.switchingProbability
            return (share, share * (1 - share))
        }
        let share = chain.stationaryProbability
        let correlation = 1 - chain.p01 - chain.p10
        return (share, share * (1 - share) * (1 + correlation) / (1 - correlation))
    }

    /// How far each lane is from ½ now.
    var deviations: [Double] {
        let trims = loop.trims
        return devices.indices.map { share($0, trim: trims[$0]).share - 0.5 }
    }

    /// The lanes for which some trim gives less than ½ by a margin, and another one more.
    func trimmable(margin: Double) -> Set<Int> {
        let trims = stride(
            from: Int(preset.trimRange.lowerBound), through: Int(preset.trimRange.upperBound), by: 500)
        return Set(
            devices.indices.filter { lane in
                let shares = trims.map { share(lane, trim: Int16($0)).share }
                return shares.contains { $0 < 0.5 - margin } && shares.contains { $0 > 0.5 + margin }
            })
    }

    /// A standard normal number (Box and Muller 1958).
    private mutating func normal() -> Double {
        let radius = (-2 * log(1 - Double.random(in: 0..<1, using: &random))).squareRoot()
        return radius * cos(2 * .pi * Double.random(in: 0..<1, using: &random))
    }
}

// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import DevicePhysics
import OperatingPointControl
import SimulatedBoard
import TestSupport
import Testing

/// The trim loop after a step of what the devices depend on. A lane is trimmable when the trims reach from 49.5 to
/// 50.5 % ones. It is back when it is within 2 points of ½, where the filter of the lane goes on.
@Suite(
    "Lanes after a step: temperature, supply, field and drive; lanes that were trimmable are back, others are named")
struct StepRecoveryTests {
    /// In s of the array's time. Ten are asked for.
    private static let recovery = 5.0
    private static let lanes = 128

    struct Step: Sendable, CustomTestStringConvertible {
        let preset: ArrayPreset
        let from: Double
        let to: Double
        var testDescription: String { "\(preset) from \(from) K to \(to) K" }
    }

    /// Steps between 250 and 400 K, of cold and of hot arrays.
    private static let temperatures = ArrayPreset.allCases.flatMap { preset in
        [5.0, 20, 40, 60].flatMap { size in
            let ends: [(Double, Double)] = [
                (300, 300 + size), (340, 340 - size), (330, 330 + size), (310, 310 - size),
            ]
            return ends.map { Step(preset: preset, from: $0.0, to: $0.1) }
        }
    }

    /// Has an array held, and expects it to be held again after a step.
    private static func expectRecovery(
        of array: MeasuredArray, after step: (inout MeasuredArray) -> Void
    ) {
        var array = array
        array.run(seconds: 1.5)
        step(&array)
        array.run(seconds: recovery)
        let deviations = array.deviations
        let trimmable = array.trimmable(margin: 0.005)
        let lost = trimmable.filter { abs(deviations[$0]) > 0.02 }
        #expect(lost.count <= trimmable.count / 100, "\(lost.count) of \(trimmable.count)")
        // It says what it sees: lanes that no trim takes to ½ are counted, and no others.
        let near = array.trimmable(margin: -0.01)
        #expect(array.loop.untrimmable >= deviations.count - near.count)
        #expect(array.loop.untrimmable <= deviations.count - trimmable.count + lost.count)
        let held = trimmable.subtracting(lost)
        let square = held.reduce(0) { $0 + deviations[$1] * deviations[$1] }
        #expect((square / Double(max(held.count, 1))).squareRoot() < 0.002)
    }

    @Test("all are back within five seconds of a step of the temperature", .thorough, arguments: temperatures)
    func temperature(step: Step) {
        let seed = UInt64(step.from * 1000 + step.to)
        let array = MeasuredArray(step.preset, lanes: Self.lanes, kelvin: step.from, seed: seed)
        Self.expectRecovery(of: array) { $0.kelvin = step.to }
    }

    @Test("40 K down: what was 58 of 512 lanes is all", arguments: [1, 2] as [UInt64])
    func downwards(seed: UInt64) {
        let array = MeasuredArray(.quarterPeriod, lanes: 64, kelvin: 340, seed: seed)
        var stepped = array
        stepped.run(seconds: 1)
        stepped.kelvin = 300
        stepped.run(seconds: 2)
        let deviations = stepped.deviations
        let trimmable = stepped.trimmable(margin: 0.005)
        #expect(trimmable.count > 60)
        #expect(trimmable.allSatisfy { abs(deviations[$0]) < 0.02 })
        #expect(stepped.loop.untrimmable <= 64 - trimmable.count)
    }

    @Test(
        "so it is after a step of the supply or of the field, and after the step back", .thorough,
        arguments: ArrayPreset.allCases, [(1.05, 1.0), (0.95, 1), (1, 1.1), (1, 0.9)])
    func point(preset: ArrayPreset, factors: (amplitude: Double, field: Double)) {
        let array = MeasuredArray(preset, lanes: Self.lanes, kelvin: 310, seed: 5)
        let step = { (array: inout MeasuredArray) in
            array.point.amplitudeMillivolts *= factors.amplitude
            array.point.biasFieldMicrotesla *= factors.field
        }
        Self.expectRecovery(of: array, after: step)
        Self.expectRecovery(of: array) { array in
            step(&array)
            array.run(seconds: Self.recovery)
            array.point = preset.operatingPoint
        }
    }

    @Test(
        "so it is after a loss of the drive, however long, and at another temperature than before", .thorough,
        arguments: ArrayPreset.allCases, [0.1, 0.3, 0.7, 1, 2, 8])
    func drive(preset: ArrayPreset, seconds: Double) {
        for warming in [0.0, 20] {
            let array = MeasuredArray(preset, lanes: 64, kelvin: 310, seed: 6)
            Self.expectRecovery(of: array) { array in
                array.isDriven = false
                array.run(seconds: seconds)
                array.kelvin += warming
                array.isDriven = true
            }
        }
    }

    @Test(
        "so it is when the drive comes only after the trims were learned, or while they are", .thorough,
        arguments: ArrayPreset.allCases, [0.2, 0.3, 0.4, 1, 5])
    func learnedWithoutDrive(preset: ArrayPreset, seconds: Double) {
        var array = MeasuredArray(preset, lanes: 64, kelvin: 310, seed: 7)
        array.isDriven = false
        array.run(seconds: seconds)
        if array.loop.state == .holding { #expect(array.loop.untrimmable == 64) }
        array.isDriven = true
        Self.expectRecovery(of: array) { $0.run(seconds: 0) }
    }
}

// SPDX-License-Identifier: Apache-2.0

import Diffusion
import Foundation
import TestSupport
import Testing

@Suite("Schedules: numbers of pulses, merged steps, true signal shares, and curves that do not reach")
struct ScheduleTests {
    struct Row: Sendable {
        let kind: DiffusionSchedule.Kind
        let devices, steps, pulses, distinct, below: Int
    }

    /// From an ideal curve at p = 1 %: the pulses to the end, different counts, and steps below half a pulse.
    static let table = [
        Row(kind: .cosine, devices: 16, steps: 50, pulses: 297, distinct: 50, below: 0),
        Row(kind: .cosine, devices: 16, steps: 200, pulses: 297, distinct: 162, below: 3),
        Row(kind: .cosine, devices: 16, steps: 1_000, pulses: 297, distinct: 239, below: 16),
        Row(kind: .cosine, devices: 64, steps: 50, pulses: 331, distinct: 50, below: 0),
        Row(kind: .cosine, devices: 64, steps: 200, pulses: 331, distinct: 182, below: 1),
        Row(kind: .cosine, devices: 64, steps: 1_000, pulses: 331, distinct: 273, below: 5),
        Row(kind: .cosine, devices: 1, steps: 50, pulses: 228, distinct: 41, below: 4),
        Row(kind: .cosine, devices: 1, steps: 200, pulses: 228, distinct: 97, below: 16),
        Row(kind: .cosine, devices: 1, steps: 1_000, pulses: 228, distinct: 170, below: 83),
        Row(kind: .linear, devices: 16, steps: 50, pulses: 360, distinct: 50, below: 0),
        Row(kind: .linear, devices: 16, steps: 200, pulses: 326, distinct: 198, below: 1),
        Row(kind: .linear, devices: 16, steps: 1_000, pulses: 319, distinct: 319, below: 7),
    ]

    @Test("The published table of an ideal array", arguments: table)
    func ideal(row: Row) throws {
        let curve = FlipCurve(flipProbability: 0.01)
        let code = ThermometerCode(devices: row.devices)
        let schedule = try DiffusionSchedule(row.kind, steps: row.steps, code: code, curve: curve)
        #expect(schedule.steps.last?.pulses == row.pulses)
        let wanted = DiffusionSchedule.signalShares(row.kind, steps: row.steps)
        let exact = wanted.map { curve.pulses(correlation: code.correlation(signalShare: $0)) }
        #expect(exact.count { $0 < 0.5 } == row.below)
        // A count of 0 is the image itself and no step.
        #expect(Set(exact.map { Int($0.rounded()) }).subtracting([0]).count == row.distinct)
        #expect(schedule.steps.count == row.distinct)
    }

    @Test("The steps have the signal share of their pulses, not that of the schedule")
    func trueShares() throws {
        let schedule = try DiffusionSchedule(
            .cosine, steps: 200, code: ThermometerCode(), curve: FlipCurve(flipProbability: 0.01))
        for step in schedule.steps {
            let correlation = pow(0.98, Double(step.pulses))
            #expect(abs(step.correlation - correlation) < 1e-12)
            let square = correlation * correlation
            #expect(abs(step.signalShare - 16 * square / (16 * square + 1 - square)) < 1e-12)
        }
        for (step, next) in zip(schedule.steps, schedule.steps.dropFirst()) { #expect(step.pulses < next.pulses) }
    }

    @Test("Stronger pulses make fewer steps, and too strong ones none")
    func coarse() throws {
        let code = ThermometerCode()
        let strong = try DiffusionSchedule(.cosine, steps: 50, code: code, curve: FlipCurve(flipProbability: 0.05))
        #expect(strong.steps.count == 34 && strong.steps.last?.pulses == 57)
        #expect {
            try DiffusionSchedule(.cosine, steps: 50, code: code, curve: FlipCurve(flipProbability: 0.4))
        } throws: { error in
            if case .scheduleTooCoarse(_, 50)? = error as? DiffusionError { true } else { false }
        }
    }

    @Test("A curve that does not fall far enough is an error that says what is missing")
    func outOfReach() {
        let points = [0, 1, 50, 100].map {
            FlipCurve.Point(
                pulses: $0, correlation: pow(0.98, Double($0)), offset: 0, standardError: 0.001)
        }
        #expect {
            try DiffusionSchedule(.cosine, steps: 50, code: ThermometerCode(), curve: FlipCurve(points: points))
        } throws: { error in
            guard case .scheduleOutOfReach(let wanted, let reached, 100)? = error as? DiffusionError else {
                return false
            }
            return abs(reached - pow(0.98, 100)) < 1e-9 && abs(wanted - 0.0025) < 1e-5
                && "\(error)".contains("after 100 pulses")
        }
    }

    @Test("Lanes that never flip leave a floor, which is not reached")
    func floor() {
        let points = ProcessReadings.all.map {
            FlipCurve.Point(
                pulses: $0, correlation: 0.99 * pow(0.98, Double($0)) + 0.01, offset: 0, standardError: 0.001)
        }
        #expect(throws: DiffusionError.self) {
            try DiffusionSchedule(.cosine, steps: 50, code: ThermometerCode(), curve: FlipCurve(points: points))
        }
    }
}

enum ProcessReadings {
    static let all = [0, 1, 2, 4, 8, 16, 32, 64, 128, 192, 256, 320, 400, 500, 700, 1_000]
}

@Suite("The flip curve and the calibration that measures it")
struct CalibrationTests {
    @Test("The curve and its inverse agree, and fall", arguments: [0.001, 0.01, 0.05])
    func inverse(flipProbability: Double) {
        let curve = FlipCurve(flipProbability: flipProbability)
        #expect(abs(curve.flipProbability - flipProbability) < 1e-12)
        for pulses in [0.0, 0.5, 1, 33, 180] {
            let correlation = curve.correlation(after: pulses)
            #expect(abs(correlation - pow(1 - 2 * flipProbability, pulses)) < 1e-9)
            #expect(abs(curve.pulses(correlation: correlation) - pulses) < 1e-6)
        }
        #expect(curve.correlation(after: 1e6) < curve.smallestCorrelation)
    }

    @Test("Measures the mean curve and the mean offset of a spread of devices within their errors")
    func measured() throws {
        let devices = SoftwareArray.devices(
            512, flipProbability: 0.01, logarithmSpread: 0.7, asymmetrySpread: 0.07, seed: 1)
        let calibration = try ProcessCalibration.measure(
            SoftwareArray(devices: devices, seed: 2), .init(mostPulses: 400, loads: 200))
        #expect(calibration.leftOut.ones == 0 && calibration.point == nil)
        for point in calibration.curve.points {
            let law = ArrayLaw(devices, after: point.pulses)
            #expect(abs(point.correlation - law.correlation) < zLimit * point.standardError)
            #expect(abs(point.offset - law.offset) < zLimit * point.standardError)
            if point.pulses > 0 {
                #expect(
                    abs(point.correlation - 1.3 * law.correlation) > zLimit * point.standardError || point.pulses > 200)
            }
            let smooth = calibration.curve.correlation(after: Double(point.pulses))
            #expect(abs(smooth - law.correlation) < zLimit * point.standardError)
        }
    }

    @Test("Continues an exponential where the measurement has only noise")
    func tail() throws {
        let calibration = try ProcessCalibration.measure(
            SoftwareArray(devices: SoftwareArray.devices(512, flipProbability: 0.01), seed: 3),
            .init(mostPulses: 400, loads: 32))
        #expect(calibration.curve.mostPulses == 400)
        #expect(abs(log(calibration.curve.smallestCorrelation / pow(0.98, 400))) < 1)
        let schedule = try DiffusionSchedule(.cosine, steps: 50, code: ThermometerCode(), curve: calibration.curve)
        #expect((260...340).contains(schedule.steps.last?.pulses ?? 0))
    }

    @Test("Finds the lanes that do not flip and those that are stuck, and no others")
    func dead() throws {
        var devices = SoftwareArray.devices(256, flipProbability: 0.01, logarithmSpread: 0.5, seed: 4)
        for lane in [3, 70] { devices[lane] = SoftwareArray.Device(rise: 0, fall: 0) }
        var faults = SoftwareArray.Faults()
        faults.stuckUp = [9, 128]
        faults.stuckDown = [255]
        let calibration = try ProcessCalibration.measure(
            SoftwareArray(devices: devices, faults: faults, seed: 5))
        let found = (0..<256).filter { calibration.leftOut[$0] }
        #expect(found == [3, 9, 70, 128, 255])
    }

    @Test("An array of which nothing flips is an error")
    func nothingFlips() {
        let dead = [SoftwareArray.Device](repeating: .init(rise: 0, fall: 0), count: 64)
        #expect {
            try ProcessCalibration.measure(SoftwareArray(devices: dead, seed: 1))
        } throws: { error in
            if case .tooFewLanes(usable: 0, of: 64)? = error as? DiffusionError { true } else { false }
        }
    }

    @Test("A common preference for one state shows in the offset, and chopping takes it off")
    func offset() throws {
        let devices = [SoftwareArray.Device](repeating: .init(rise: 0.011, fall: 0.009), count: 512)
        func offset(_ chopping: Int?) throws -> Double {
            try ProcessCalibration.measure(
                SoftwareArray(devices: devices, seed: 6),
                .init(mostPulses: 300, loads: 100, chopping: chopping)
            ).curve.offset(after: 300)
        }
        #expect(abs(try offset(nil) - 0.1) < 0.01)
        #expect(abs(try offset(5)) < 0.012)
    }

    @Test("A caller that wants no more ends it")
    func interrupted() {
        let array = SoftwareArray(devices: SoftwareArray.devices(64, flipProbability: 0.01), seed: 1)
        #expect {
            try ProcessCalibration.measure(array) { done, total in done < total / 2 }
        } throws: { error in
            if case .interrupted? = error as? DiffusionError { true } else { false }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import Glibc
import OperatingPointControl
import TestSupport
import Testing

@Suite(
    "Sweeps of operating points: what is proposed for damped precessions, curves that never reach ½, and states"
)
struct SweepTests {
    private static func point(_ amplitude: Double, _ width: Double) -> OperatingPoint {
        OperatingPoint(
            amplitudeMillivolts: amplitude, pulseWidthPicoseconds: width,
            biasFieldMicrotesla: 20_000)
    }

    @Test("a plan goes through all widths of one amplitude after the other")
    func plan() {
        let plan = SweepPlan(
            amplitudes: [1300, 1400], widths: [300, 350, 400], biasField: 20_000,
            windowsPerPoint: 8)
        let expected = [
            (1300, 300), (1300, 350), (1300, 400), (1400, 300), (1400, 350), (1400, 400),
        ]
        #expect(plan.points == expected.map { Self.point(Double($0.0), Double($0.1)) })
        #expect(plan.windowsPerPoint == 8)
    }

    @Test("a point is what its lanes are on average", arguments: [LaneEncoding.toggles, .states])
    func measured(encoding: LaneEncoding) {
        let lanes = [
            (ones: 0.4, changes: 0.5), (ones: 0.5, changes: 0.2), (ones: 0.9, changes: 0.18),
        ]
        let point = SweepPoint(point: Self.point(1350, 384), lanes: lanes, encoding: encoding)
        #expect(abs(point.ones - 0.6) < 1e-12)
        #expect(abs(point.switching - (encoding == .toggles ? 0.6 : 0.88 / 3)) < 1e-12)
        #expect(abs(point.deviation - (0.17 / 3).squareRoot()) < 1e-12)
        // 1 − 0.5/0.48, 1 − 0.2/0.5, 1 − 0.18/0.18
        #expect(abs(point.lagOne - (0.6 - 0.02 / 0.48) / 3) < 1e-12)
    }

    @Test("lanes that always give the same have no correlation, and are far from ½")
    func stuckLanes() {
        let lanes = [(ones: 0.0, changes: 0.0), (ones: 1.0, changes: 0.0)]
        let point = SweepPoint(point: Self.point(0, 0), lanes: lanes, encoding: .states)
        #expect(point.lagOne == 0 && point.switching == 0 && point.deviation == 0.5)
    }

    /// A sweep in which all lanes switch with probability P(width), but for a spread of ±`spread`.
    private static func sweep(
        amplitudes: [Double] = [1350], widths: [Double], encoding: LaneEncoding,
        spread: Double = 0.01, switching: (_ amplitude: Double, _ width: Double) -> Double
    ) -> Sweep {
        let plan = SweepPlan(
            amplitudes: amplitudes, widths: widths, biasField: 20_000, windowsPerPoint: 1)
        let points = plan.points.map { point in
            let p = switching(point.amplitudeMillivolts, point.pulseWidthPicoseconds)
            let lanes = (-8...8).map { place in
                let lane = min(max(p + spread * Double(place) / 8, 0), 1)
                // A toggle is independent of the one before. A state changes when a device switches.
                return encoding == .toggles
                    ? (ones: lane, changes: 2 * lane * (1 - lane)) : (ones: 0.5, changes: lane)
            }
            return SweepPoint(point: point, lanes: lanes, encoding: encoding)
        }
        return Sweep(points: points, encoding: encoding)
    }

    /// The switching probability of a device that precesses with a period of 1.79 ns and is damped.
    private static func precession(width: Double) -> Double {
        0.5 - 0.5 * cos(2 * .pi * width / 1790) * exp(-width / 6000)
    }

    @Test(
        "of a damped precession the quarter period is proposed, between two points that were measured"
    )
    func dampedPrecession() throws {
        let sweep = Self.sweep(
            widths: Array(stride(from: 100, through: 900, by: 50)), encoding: .toggles
        ) { Self.precession(width: $1) }
        let proposal = try #require(sweep.proposal)
        // A quarter period is 447.5 ps.
        #expect(abs(proposal.pulseWidthPicoseconds - 447.5) < 1)
        #expect(proposal.amplitudeMillivolts == 1350 && proposal.biasFieldMicrotesla == 20_000)
        #expect(sweep.reason.contains("50 % ones"))
        #expect(sweep.points.count == 17)
    }

    @Test("of several crossings the one with the shortest pulse is proposed")
    func laterCrossings() throws {
        let sweep = Self.sweep(
            widths: Array(stride(from: 100, through: 8000, by: 100)), encoding: .toggles
        ) { Self.precession(width: $1) }
        let width = try #require(sweep.proposal).pulseWidthPicoseconds
        #expect(abs(width - 447.5) < 2)
    }

    @Test(
        "between two points the crossing is found by straight interpolation, on either side",
        arguments: [(0.45, 0.53), (0.47, 0.55), (0.53, 0.45), (0.55, 0.47), (0.41, 0.51)])
    func crossing(first: Double, second: Double) throws {
        let sweep = Self.sweep(widths: [300, 400, 500], encoding: .toggles) { _, width in
            width == 300 ? first : width == 400 ? second : 0.9
        }
        let expected = 300 + 100 * (0.5 - first) / (second - first)
        let width = try #require(sweep.proposal).pulseWidthPicoseconds
        #expect(abs(width - expected) < 1e-6)
    }

    @Test("what is proposed between two points is kept if it was measured to be near ½")
    func checked() throws {
        let sweep = Self.sweep(widths: [300, 400, 500], encoding: .toggles) { _, width in
            width == 300 ? 0.41 : width == 400 ? 0.51 : 0.9
        }
        let point = try #require(sweep.unmeasuredProposal)
        #expect(point == sweep.proposal)
        for (ones, expected) in [(0.52, point), (0.9, Self.point(1350, 400))] {
            let measured = SweepPoint(
                point: point, lanes: [(ones: ones, changes: 2 * ones * (1 - ones))],
                encoding: .toggles)
            let checked = sweep.checked(by: measured)
            #expect(checked.proposal == expected)
            #expect(checked.points == sweep.points)
            #expect(checked.reason.contains("nearest") == (expected != point))
        }
        #expect(sweep.checked(by: try #require(sweep.points.last)).unmeasuredProposal == nil)
    }

    @Test(
        "where what lies between two points is not near ½, the nearer of them is proposed, if one is near"
    )
    func refuted() throws {
        let sweep = Self.sweep(widths: [300, 2000], encoding: .toggles, spread: 0) { _, width in
            width == 300 ? 0.36 : 0.9
        }
        let point = try #require(sweep.unmeasuredProposal)
        let measured = SweepPoint(
            point: point, lanes: [(ones: 0.9, changes: 0.18)], encoding: .toggles)
        #expect(sweep.checked(by: measured).proposal == Self.point(1350, 300))
        let far = Self.sweep(widths: [300, 2000], encoding: .toggles, spread: 0) { _, width in
            width == 300 ? 0.2 : 0.9
        }
        #expect(far.proposal == nil && far.unmeasuredProposal == nil)
    }

    @Test("a point at which P is ½ is proposed as it is")
    func exact() {
        let sweep = Self.sweep(widths: [300, 400, 500], encoding: .toggles, spread: 0) { _, width in
            width == 300 ? 0.4 : width == 400 ? 0.5 : 0.6
        }
        #expect(sweep.proposal == Self.point(1350, 400))
    }

    @Test("of several amplitudes the one that crosses ½ with the shortest pulse is proposed")
    func amplitudes() {
        let sweep = Self.sweep(
            amplitudes: [1350, 1500, 1400], widths: [400, 300], encoding: .toggles
        ) { amplitude, width in
            (amplitude == 1350 ? 0.48 : 0.47) + (width == 400 ? 0.05 : 0)
        }
        #expect(sweep.proposal?.amplitudeMillivolts == 1350)
        #expect(abs((sweep.proposal?.pulseWidthPicoseconds ?? 0) - 340) < 1e-6)
    }

    @Test("a curve that crosses ½ goes before one that comes near it with a shorter pulse")
    func crossingFirst() {
        let sweep = Self.sweep(
            amplitudes: [1200, 1350], widths: [300, 400], encoding: .toggles
        ) { amplitude, width in
            amplitude == 1200 ? 0.49 - width / 10_000 : 0.43 + (width - 300) / 1000
        }
        #expect(sweep.proposal?.amplitudeMillivolts == 1350)
        #expect(abs((sweep.proposal?.pulseWidthPicoseconds ?? 0) - 370) < 1e-6)
    }

    @Test("a curve that does not cross ½ but comes near has its nearest point proposed")
    func near() {
        let sweep = Self.sweep(widths: [300, 400, 500], encoding: .toggles) { _, width in
            0.42 - abs(width - 400) / 2000
        }
        #expect(sweep.proposal == Self.point(1350, 400))
        #expect(sweep.reason.contains("nearest"))
    }

    @Test("of a curve that never comes near ½ nothing is proposed, and it is said why")
    func never() {
        let sweep = Self.sweep(widths: [300, 400, 500], encoding: .toggles) { _, _ in 0.2 }
        #expect(sweep.proposal == nil)
        #expect(sweep.reason.contains("try other widths or amplitudes"))
        #expect(Sweep(points: [], encoding: .states).proposal == nil)
    }

    @Test(
        "of states the shortest pulse is proposed from which on a state does not hang on the one before"
    )
    func states() throws {
        // Ones are half everywhere: only switching with P = ½ makes states independent. Near the crossings
        // of a precession that is so by chance; for good, when it is damped to 0.02 = 2·|P − ½|.
        let widths = Array(stride(from: 200.0, through: 40_000, by: 200))
        let sweep = Self.sweep(widths: widths, encoding: .states, spread: 0.002) {
            Self.precession(width: $1)
        }
        let proposal = try #require(sweep.proposal)
        let settled = widths.drop { width in
            widths.contains { $0 >= width && abs(1 - 2 * Self.precession(width: $0)) > 0.02 }
        }
        #expect(proposal.pulseWidthPicoseconds == settled.first)
        #expect((20_000..<25_000).contains(proposal.pulseWidthPicoseconds))
    }

    @Test("of states that forget the one before at short pulses only nothing is proposed")
    func unsettled() {
        let sweep = Self.sweep(widths: [300, 400, 500], encoding: .states) { _, width in
            width == 500 ? 0.6 : 0.5
        }
        #expect(sweep.proposal == nil)
    }

    @Test(
        "of states that hang on the one before at every width nothing is proposed",
        arguments: [0.1, 0.45, 0.9])
    func correlatedStates(switching: Double) {
        let sweep = Self.sweep(widths: [300, 400], encoding: .states) { _, _ in switching }
        #expect(sweep.proposal == nil)
    }
}

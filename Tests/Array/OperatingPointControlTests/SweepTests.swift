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

    /// Lanes whose switching probability is P(amplitude, width), but for a spread of ±`spread`. A full trim is worth as
    /// much as `trimWidth` more of the width.
    private struct Array {
        var amplitudes: [Double] = [1350]
        var widths: [Double]
        var encoding = LaneEncoding.toggles
        var spread = 0.01
        var trimWidth = 200.0
        var isTrimmable = true
        var switching: (_ amplitude: Double, _ width: Double) -> Double

        /// Sweeps, and says at what was measured beside the points of the plan.
        func sweep() -> (sweep: Sweep, extra: [SweepSearch.Request]) {
            let plan = SweepPlan(
                amplitudes: amplitudes, widths: widths, biasField: 20_000, windowsPerPoint: 1)
            var search = SweepSearch(plan: plan, encoding: encoding, isTrimmable: isTrimmable)
            var requests: [SweepSearch.Request] = []
            while let request = search.next {
                requests.append(request)
                #expect(requests.count < plan.points.count + 100)
                search.enter(lanes(at: request))
            }
            return (search.sweep, Swift.Array(requests.dropFirst(plan.points.count)))
        }

        private func lanes(at request: SweepSearch.Request) -> SweepSearch.Lanes {
            let width = request.point.pulseWidthPicoseconds + request.trim * trimWidth
            let p = switching(request.point.amplitudeMillivolts, width)
            return (-50...50).map { place in
                let lane = min(max(p + spread * Double(place) / 50, 0), 1)
                // A toggle is independent of the one before. A state changes when a device switches.
                return encoding == .toggles
                    ? (ones: lane, changes: 2 * lane * (1 - lane)) : (ones: 0.5, changes: lane)
            }
        }
    }

    /// The switching probability of a device that precesses with a period of 1.79 ns and is damped.
    private static func precession(width: Double) -> Double {
        0.5 - 0.5 * cos(2 * .pi * width / 1790) * exp(-width / 6000)
    }

    @Test(
        "of a damped precession the quarter period is proposed, however coarse the sweep is, and was measured",
        arguments: [
            [100, 325, 550, 775, 1000], [100, 900], [100, 1000, 1900, 2800, 3700, 4600, 5500, 6400],
            Swift.Array(stride(from: 100, through: 900, by: 50)),
            Swift.Array(stride(from: 100, through: 8000, by: 100)),
        ] as [[Double]])
    func dampedPrecession(widths: [Double]) throws {
        let (sweep, extra) = Array(widths: widths) { Self.precession(width: $1) }.sweep()
        let proposal = try #require(sweep.proposal)
        // A quarter period is 447.5 ps; 2 % of P are 6 ps.
        #expect(abs(proposal.pulseWidthPicoseconds - 447.5) < 7)
        #expect(proposal.amplitudeMillivolts == 1350 && proposal.biasFieldMicrotesla == 20_000)
        #expect(sweep.reason == "the shortest pulse with 50 % ones; 101 of 101 lanes could be held there")
        #expect(sweep.holdableLanes == 101)
        #expect(sweep.points.map(\.pulseWidthPicoseconds) == widths)
        #expect(extra.contains(SweepSearch.Request(point: proposal, trim: 0)))
        #expect(extra.count <= 12)
    }

    @Test("P that crosses ½ steeply is found between points that are far from it")
    func steep() throws {
        let array = Array(widths: [100, 325, 550, 775, 1000], trimWidth: 20) {
            $1 < 471 ? 0.1 : $1 > 491 ? 0.9 : 0.1 + ($1 - 471) / 25
        }
        let proposal = try #require(array.sweep().sweep.proposal)
        #expect(abs(proposal.pulseWidthPicoseconds - 481) < 2)
    }

    @Test("a plateau on which trims cannot hold the lanes loses to a longer pulse where they can")
    func plateau() throws {
        // At 1,600 mV the curve crosses ½ early, but is flat there, and half the lanes stay on either side of it.
        let array = Array(
            amplitudes: [1200, 1400, 1600], widths: [200, 300, 400, 500, 600], spread: 0.04, trimWidth: 100
        ) { amplitude, width in
            amplitude == 1600
                ? min(0.51, 0.3 + width / 1000)
                : 0.5 + (width - (amplitude == 1400 ? 430 : 480)) / 400
        }
        let (sweep, _) = array.sweep()
        #expect(sweep.proposal?.amplitudeMillivolts == 1400)
        #expect(sweep.holdableLanes == 101)
        #expect(sweep.reason.contains("at which nearly all lanes can be held"))
        #expect(!sweep.reason.contains("beyond"))
    }

    @Test("of many amplitudes with a coarse sweep each, the shortest of all crossings is proposed")
    func coarseMap() throws {
        let amplitudes = Swift.Array(stride(from: 1000.0, through: 1800, by: 100))
        let array = Array(amplitudes: amplitudes, widths: [100, 909, 1718, 2527, 3336, 4145]) { amplitude, width in
            Self.precession(width: width * (0.8 + amplitude / 5000))
        }
        let proposal = try #require(array.sweep().sweep.proposal)
        #expect(proposal.amplitudeMillivolts == 1800)
        #expect(abs(proposal.pulseWidthPicoseconds - 447.5 / 1.16) < 7)
    }

    @Test("an amplitude at the edge of the sweep is said to be one", arguments: [(true, "greatest"), (false, "least")])
    func edge(rises: Bool, word: String) {
        let array = Array(amplitudes: [1200, 1300, 1400], widths: [300, 400, 500, 600]) { amplitude, width in
            let early = (amplitude - 1300) / 5 * (rises ? 1 : -1)
            return 0.5 + (width + early - 450) / 300
        }
        let (sweep, _) = array.sweep()
        #expect(sweep.proposal?.amplitudeMillivolts == (rises ? 1400 : 1200))
        #expect(sweep.reason.contains("it has the \(word) amplitude of the sweep"))
    }

    @Test("a sweep of amplitudes at one width is interpolated as well")
    func amplitudesOnly() throws {
        let array = Array(amplitudes: [1000, 1200, 1400], widths: [450]) { amplitude, width in
            0.5 + (amplitude - 1270) / 500 + (width - 450) / 400
        }
        let proposal = try #require(array.sweep().sweep.proposal)
        #expect(abs(proposal.amplitudeMillivolts - 1270) < 10 && proposal.pulseWidthPicoseconds == 450)
    }

    @Test("where trims can hold less than half of the lanes, nothing is proposed, and the reason says how many")
    func unholdable() {
        let array = Array(widths: [300, 400, 500], spread: 0.1, trimWidth: 1) { 0.5 + ($1 - 410) / 2000 }
        let (sweep, _) = array.sweep()
        #expect(sweep.proposal == nil && sweep.holdableLanes == nil)
        #expect(sweep.reason.contains("of 101 lanes could be held"))
    }

    @Test("without trims, lanes that are near ½ count as held", arguments: [(0.01, 101), (0.06, 51)])
    func untrimmable(spread: Double, held: Int) throws {
        let array = Array(widths: [300, 400, 500], spread: spread, isTrimmable: false) { 0.5 + ($1 - 410) / 500 }
        let (sweep, extra) = array.sweep()
        #expect(extra.allSatisfy { $0.trim == 0 })
        #expect(try abs(#require(sweep.holdableLanes) - held) <= 1)
    }

    @Test("a curve that crosses ½ goes before one that comes near it with a shorter pulse")
    func crossingFirst() {
        let array = Array(amplitudes: [1200, 1350], widths: [300, 400]) { amplitude, width in
            amplitude == 1200 ? 0.49 - width / 10_000 : 0.43 + (width - 300) / 1000
        }
        let (sweep, _) = array.sweep()
        #expect(sweep.proposal?.amplitudeMillivolts == 1350)
        #expect(abs((sweep.proposal?.pulseWidthPicoseconds ?? 0) - 370) < 21)
    }

    @Test("a curve that does not cross ½ but comes near has its nearest point proposed, if trims do the rest")
    func near() {
        let array = Array(widths: [300, 400, 500], trimWidth: 400) { $1 < 700 ? 0.42 - abs($1 - 400) / 2000 : 0.6 }
        let (sweep, _) = array.sweep()
        #expect(sweep.proposal == Self.point(1350, 400))
        #expect(sweep.reason.contains("nearest"))
    }

    @Test("of a curve that never comes near ½ nothing is proposed, and it is said why")
    func never() {
        let (sweep, extra) = Array(widths: [300, 400, 500]) { _, _ in 0.2 }.sweep()
        #expect(sweep.proposal == nil && extra.isEmpty)
        #expect(sweep.reason.contains("try other widths or amplitudes"))
    }

    @Test(
        "of states the shortest pulse is proposed from which on a state does not hang on the one before"
    )
    func states() throws {
        // Ones are half everywhere: only switching with P = ½ makes states independent. Near the crossings
        // of a precession that is so by chance; for good, when it is damped to 0.02 = 2·|P − ½|.
        let widths = Swift.Array(stride(from: 200.0, through: 40_000, by: 200))
        let (sweep, _) = Array(widths: widths, encoding: .states, spread: 0.002) {
            Self.precession(width: $1)
        }.sweep()
        let proposal = try #require(sweep.proposal)
        let settled = widths.drop { width in
            widths.contains { $0 >= width && abs(1 - 2 * Self.precession(width: $0)) > 0.02 }
        }
        #expect(proposal.pulseWidthPicoseconds == settled.first)
        #expect((20_000..<25_000).contains(proposal.pulseWidthPicoseconds))
    }

    @Test("of a coarse sweep of states the pulse is narrowed down to a twentieth")
    func coarseStates() throws {
        let (sweep, _) = Array(widths: [2000, 12_000, 22_000], encoding: .states, spread: 0.002) {
            0.5 - 0.5 * exp(-$1 / 2500)
        }.sweep()
        // exp(−w / 2,500) is 0.02 at 9,780.
        let width = try #require(sweep.proposal).pulseWidthPicoseconds
        #expect((9780..<10_300).contains(width))
        let (short, _) = Array(widths: [20_000, 22_000], encoding: .states, spread: 0.002) { _, _ in 0.5 }.sweep()
        #expect(short.reason.contains("the shortest of the sweep"))
    }

    @Test("of states that forget the one before at short pulses only nothing is proposed")
    func unsettled() {
        let (sweep, _) = Array(widths: [300, 400, 500], encoding: .states) { _, width in
            width == 500 ? 0.6 : 0.5
        }.sweep()
        #expect(sweep.proposal == nil)
    }

    @Test(
        "of states that hang on the one before at every width nothing is proposed",
        arguments: [0.1, 0.45, 0.9])
    func correlatedStates(switching: Double) {
        let (sweep, _) = Array(widths: [300, 400], encoding: .states) { _, _ in switching }.sweep()
        #expect(sweep.proposal == nil)
    }
}

// SPDX-License-Identifier: Apache-2.0

import CEntropyKernels
import LaneHealth
import TestMaterials
import TestSupport
import Testing

@Suite(
    "Test across lanes: cut-offs against scipy, its ratio against a naive computation")
struct CrossLaneTests {
    /// Quantiles of a chi-square variable of 1,023 degrees of freedom over these, exceeded with
    /// probability 2^−20 and 2^−40 (scipy.stats.chi2.isf).
    private static let warning = 1.224_903_808_83
    private static let failure = 1.344_023_402_78

    struct Cutoffs: Sendable {
        let claim: Double
        let lanes: Int
        let correlation: Double
    }

    /// The correlation is 4·(2^−H − ½)², with 30 digits (mpmath).
    private static let examples = [
        Cutoffs(claim: 1, lanes: 2, correlation: 0),
        Cutoffs(claim: 1, lanes: 512, correlation: 0),
        Cutoffs(claim: 0.8, lanes: 64, correlation: 0.022_111_200_778_824),
        Cutoffs(claim: 0.8, lanes: 512, correlation: 0.022_111_200_778_824),
        Cutoffs(claim: 0.8, lanes: 4096, correlation: 0.022_111_200_778_824),
        Cutoffs(claim: 0.5, lanes: 512, correlation: 0.171_572_875_253_810),
    ]

    @Test(
        "cut-offs are the quantiles of chi-square, times what the claim allows", arguments: examples
    )
    func cutoffs(example: Cutoffs) {
        let test = CrossLaneTest(claimedEntropyPerBit: example.claim)
        #expect(abs(test.allowedCorrelation - example.correlation) < 1e-14)
        let cutoffs = test.cutoffs(lanes: example.lanes)
        let excess = 1 + Double(example.lanes - 1) * example.correlation
        // The approximation of Wilson and Hilferty errs by 7e-5 and 2.2e-4.
        #expect(abs(cutoffs.warning / Self.warning - 1) < 1e-4)
        #expect(abs(cutoffs.failure / (excess * Self.failure) - 1) < 3e-4)
    }

    @Test("a ratio trips a cut-off exactly when it reaches it")
    func finding() {
        let test = CrossLaneTest(claimedEntropyPerBit: 0.8)
        let cutoffs = test.cutoffs(lanes: 512)
        let ratios = [
            0, 1, cutoffs.warning.nextDown, cutoffs.warning, cutoffs.failure.nextDown,
            cutoffs.failure, 512,
        ]
        #expect(
            ratios.map { test.finding(ratio: $0, lanes: 512) } == [
                .clean, .clean, .clean, .warning, .warning, .failure, .failure,
            ])
        #expect(test.finding(ratio: 512, lanes: 0) == .clean)
        #expect(test.finding(ratio: 512, lanes: 1) == .clean, "one lane does not move with others")
    }

    /// The sum of squares about the mean, in two passes.
    private static func naiveRatio(_ rowOnes: [UInt16], lanes: Int) -> Double {
        let mean = rowOnes.reduce(0) { $0 + Double($1) } / Double(rowOnes.count)
        let sum = rowOnes.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
        return sum / Double(rowOnes.count - 1) / (Double(lanes) / 4)
    }

    private static func statistics(_ rowOnes: [UInt16], lanes: Int) -> ck_row_statistics {
        ck_row_statistics(
            lanes: UInt32(lanes), majority_ones: 0, sum: rowOnes.reduce(0) { $0 + UInt64($1) },
            sum_of_squares: rowOnes.reduce(0) { $0 + UInt64($1) * UInt64($1) })
    }

    @Test("the variance ratio is that of a naive computation", arguments: [2, 64, 512, 4096])
    func varianceRatio(lanes: Int) {
        var random = SeededGenerator(UInt64(lanes))
        let any = (0..<1024).map { _ in UInt16.random(in: 0...UInt16(lanes), using: &random) }
        let full = [UInt16](repeating: UInt16(lanes), count: 1024)
        let halves = (0..<1024).map { $0 < 512 ? 0 : UInt16(lanes) }
        let one = (0..<1024).map { $0 == 1023 ? UInt16(lanes) : UInt16(lanes - 1) }
        for rowOnes in [any, full, halves, one] {
            let ratio = CrossLaneTest.varianceRatio(Self.statistics(rowOnes, lanes: lanes))
            let expected = Self.naiveRatio(rowOnes, lanes: lanes)
            #expect(abs(ratio - expected) <= 1e-12 * max(expected, 1))
        }
        for few in [0, 1] { #expect(CrossLaneTest.varianceRatio(Self.statistics(full, lanes: few)) == 0) }
    }

    @Test("of lanes that are all the same the correlation is 1, of independent ones 0")
    func correlation() {
        #expect(CrossLaneTest.correlation(ratio: 1, lanes: 64) == 0)
        #expect(CrossLaneTest.correlation(ratio: 64, lanes: 64) == 1)
        #expect(CrossLaneTest.correlation(ratio: 1 + 63 * 0.04, lanes: 64) == 0.04)
        #expect(CrossLaneTest.correlation(ratio: 3, lanes: 1) == 0)
    }
}

/// Lanes that are ideal but for a disturbance that shifts the probability of all of them up or down for
/// a few shots.
struct DisturbedLanes {
    private var up: LaneStream
    private var down: LaneStream
    private var random: SeededGenerator
    private let shotsPerPiece: Int

    init(lanes: Int, shift: Double, shotsPerPiece: Int, seed: UInt64) {
        up = LaneStream(Array(repeating: .biased(0.5 + shift), count: lanes), seed: seed)
        down = LaneStream(Array(repeating: .biased(0.5 - shift), count: lanes), seed: seed + 1)
        random = SeededGenerator(seed + 2)
        self.shotsPerPiece = shotsPerPiece
    }

    /// The next 1,024 rows.
    mutating func window() -> [UInt64] {
        (0..<HealthCutoffs.windowShots / shotsPerPiece).flatMap { _ in
            Bool.random(using: &random) ? up.rows(shotsPerPiece) : down.rows(shotsPerPiece)
        }
    }
}

@Suite(
    "Disturbances that lanes have in common: those that fail, warn, and are nothing")
struct CommonDisturbanceTests {
    struct Array: Sendable {
        let lanes: Int
        let shotsPerPiece: Int
    }

    private static let arrays = [64, 512].flatMap { lanes in
        [1, 4, 16].map { Array(lanes: lanes, shotsPerPiece: $0) }
    }

    private static let claim = 0.8

    /// What the book says of the array after each of some windows, and the alarms of the array.
    private static func judge(
        _ array: Array, shift: Double, windows: Int
    ) -> (states: [LaneState], alarms: [LaneAlarm], others: [LaneAlarm]) {
        let test = CrossLaneTest(claimedEntropyPerBit: claim)
        let owned = OwnedWindow(
            lanes: array.lanes, cutoffs: HealthCutoffs(claimedEntropyPerBit: claim))
        var ledger = LaneLedger(lanes: array.lanes, startUpWindows: 1)
        var lanes = DisturbedLanes(
            lanes: array.lanes, shift: shift, shotsPerPiece: array.shotsPerPiece, seed: 77)
        var (states, alarms): ([LaneState], [LaneAlarm]) = ([], [])
        // The start-up test takes a window.
        ledger.judge(WindowFindings(words: array.lanes / 64)) { _ in }
        for _ in 0..<windows {
            let findings = owned.findings(in: lanes.window()) {
                $0.compare(lanes: ledger.unfailed)
            }
            let finding = test.finding(
                ratio: owned.window.varianceRatio, lanes: owned.window.comparedLanes)
            ledger.judge(findings, crossLane: finding) { alarms.append($0) }
            states.append(ledger.crossLane)
        }
        return (states, alarms.filter { $0.lane == nil }, alarms.filter { $0.lane != nil })
    }

    @Test(
        "a shift by ±0.1, which the claim does not allow, fails within 3 windows", arguments: arrays
    )
    func strong(array: Array) {
        let judged = Self.judge(array, shift: 0.1, windows: 3)
        #expect(judged.states.contains(.failed))
        #expect(judged.alarms.last?.severity == .failure)
        #expect(judged.alarms.allSatisfy { $0.test == .crossLane })
        #expect(!judged.others.contains { $0.severity == .failure }, "no lane fails by itself")
    }

    @Test(
        "a shift that the claim allows warns and does not fail", .thorough, arguments: arrays,
        [0.045, 0.065])
    func weak(array: Array, shift: Double) {
        let judged = Self.judge(array, shift: shift, windows: 50)
        #expect(judged.states.allSatisfy { $0 != .failed })
        #expect(judged.alarms.first?.severity == .warning)
        #expect(!judged.others.contains { $0.severity == .failure })
    }

    @Test("without a shift nothing is found", .thorough, arguments: arrays)
    func none(array: Array) {
        let judged = Self.judge(array, shift: 0, windows: 50)
        #expect(judged.states.allSatisfy { $0 == .good })
        #expect(judged.alarms.isEmpty)
    }
}

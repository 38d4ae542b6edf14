// SPDX-License-Identifier: Apache-2.0

import LaneHealth
import LaneHealthReference
import TestMaterials
import TestSupport
import Testing

/// A board whose shots go through the tests into the book.
private struct Assessment {
    let owned: OwnedWindow
    var ledger: LaneLedger
    var alarms: [LaneAlarm] = []

    init(lanes: Int, claim: Double) {
        let cutoffs = HealthCutoffs(claimedEntropyPerBit: claim)
        owned = OwnedWindow(lanes: lanes, cutoffs: cutoffs)
        ledger = LaneLedger(lanes: lanes, startUpWindows: 2)
    }

    mutating func take(_ rows: [UInt64]) {
        _ = rows.withUnsafeBytes { owned.window.append($0) }
        owned.window.test()
        ledger.judge(owned.window.findings) { alarms.append($0) }
        owned.window.advance()
    }
}

@Suite(
    "Induced failures: each test at each severity alarms alone")
struct InducedFailureTests {
    /// A window of one lane that trips one test at one severity and nothing else, at claim 0.8:
    /// cut-offs 26 and 51 for runs, 664 and 699 for counts.
    struct Fault: Sendable {
        let test: HealthTest
        let severity: LaneAlarm.Severity
        let samples: [Bool]
    }

    private static let faults = [
        Fault(test: .repetitionCount, severity: .warning, samples: run(26)),
        Fault(test: .repetitionCount, severity: .failure, samples: run(51)),
        // Two of three equal the first one: 683. Three of four: 768.
        Fault(test: .adaptiveProportion, severity: .warning, samples: matches(683)),
        Fault(test: .adaptiveProportion, severity: .failure, samples: matches(768)),
    ]

    private static func ideal(_ seed: UInt64) -> [Bool] {
        var random = SeededGenerator(seed)
        return (0..<1024).map { _ in random.next() & 1 == 1 }
    }

    /// Ideal, but for one run.
    private static func run(_ length: Int) -> [Bool] {
        var samples = ideal(1)
        for shot in 500..<500 + length { samples[shot] = true }
        (samples[499], samples[500 + length]) = (false, false)
        return samples
    }

    /// Samples in any order of which so many equal the first one.
    private static func matches(_ count: Int) -> [Bool] {
        var random = SeededGenerator(2)
        let others = ((1..<1024).map { $0 < count }).shuffled(using: &random)
        return [true] + others
    }

    @Test(
        "each test at each severity alarms for its lane, and no other test and no other lane does",
        arguments: faults, [0, 63, 64, 127])
    func induced(fault: Fault, lane: Int) {
        for inverted in [false, true] {
            var random = SeededGenerator(UInt64(lane))
            let quiet = (0..<5).map { _ in random.words(2048) }
            var rows = quiet[3]
            for (shot, sample) in fault.samples.enumerated() {
                let word = 2 * shot + lane / 64
                rows[word] &= ~(1 << (lane % 64))
                if sample != inverted { rows[word] |= 1 << (lane % 64) }
            }
            var assessment = Assessment(lanes: 128, claim: 0.8)
            for window in quiet[..<3] + [rows, quiet[4]] { assessment.take(window) }
            let expected = LaneAlarm(
                lane: lane, test: fault.test, severity: fault.severity, window: 3)
            #expect(assessment.alarms == [expected])
            let others = (0..<128).filter { $0 != lane }
            #expect(others.allSatisfy { assessment.ledger.states[$0] == .good })
        }
    }
}

@Suite(
    "Faulty lanes: biased, stuck and slow lanes fail")
struct FaultyLaneTests {
    struct Fault: Sendable {
        let chain: LaneStream.Chain
        let test: HealthTest
    }

    @Test(
        "a biased, a stuck and a slow lane fail by the test that is meant for them",
        arguments: [
            Fault(chain: .biased(0.7), test: .adaptiveProportion),
            Fault(chain: .biased(0.3), test: .adaptiveProportion),
            Fault(chain: .stuck, test: .repetitionCount),
            Fault(chain: .slow(0.02), test: .repetitionCount),
        ])
    func faulty(fault: Fault) {
        var chains = Array(repeating: LaneStream.Chain.ideal, count: 128)
        chains[70] = fault.chain
        var stream = LaneStream(chains, seed: 21)
        var assessment = Assessment(lanes: 128, claim: 0.8)
        for _ in 0..<6 { assessment.take(stream.rows(HealthCutoffs.windowShots)) }
        #expect(assessment.alarms.first?.lane == 70)
        #expect(assessment.alarms.first?.test == fault.test)
        // The stuck one fails in every window; it was never anything but failed, so it alarms once.
        #expect(assessment.alarms.count == 1 || fault.chain.p01 > 0)
        #expect(assessment.alarms.allSatisfy { $0.lane == 70 && $0.severity == .failure })
        #expect(!assessment.ledger.admitted.hasLane(70))
        #expect(assessment.ledger.counts.good == 127)
    }
}

// SPDX-License-Identifier: Apache-2.0

import LaneHealth
import TestMaterials
import TestSupport
import Testing

@Suite(
    "The book of the lanes: counts, epochs and fractions of ones against naive bookkeeping")
struct LaneLedgerTests {
    /// Findings in some lanes, as often as one lane in 2^`rarity`; a failure comes with its warning.
    private static func findings(
        words: Int, rarity: Int, random: inout SeededGenerator
    ) -> WindowFindings {
        var findings = WindowFindings(words: words)
        for word in 0..<words {
            let masks = (0..<4).map { _ in random.words(rarity).reduce(.max, &) }
            findings[.repetitionCount].warning[word] = masks[0]
            findings[.repetitionCount].failure[word] = masks[0] & masks[1]
            findings[.adaptiveProportion].warning[word] = masks[2]
            findings[.adaptiveProportion].failure[word] = masks[2] & masks[3]
        }
        return findings
    }

    private static func finding(_ findings: WindowFindings, _ lane: Int) -> LaneFinding {
        let masks = [findings[.repetitionCount].failure, findings[.adaptiveProportion].failure]
        if masks.contains(where: { $0.hasLane(lane) }) { return .failure }
        let warnings = [findings[.repetitionCount].warning, findings[.adaptiveProportion].warning]
        return warnings.contains { $0.hasLane(lane) } ? .warning : .clean
    }

    private static func counts(of ledger: LaneLedger) -> LaneCounts {
        var counts = LaneCounts()
        for state in ledger.states {
            switch state {
            case .starting: counts.starting += 1
            case .good: counts.good += 1
            case .warned: counts.warned += 1
            case .failed: counts.failed += 1
            case .leased: counts.leased += 1
            }
        }
        return counts
    }

    private static func mask(_ states: [LaneState]) -> [UInt64] {
        stride(from: 0, to: states.count, by: 64).map { first in
            (0..<64).reduce(0) { $0 | (states[first + $1].isAdmitted ? 1 << $1 : 0) }
        }
    }

    @Test("a leased lane is not judged, and begins the start-up test when it comes back, however good it was")
    func lease() {
        var ledger = LaneLedger(lanes: 64, startUpWindows: 2)
        let nothing = WindowFindings(words: 1)
        var allFail = WindowFindings(words: 1)
        allFail[.repetitionCount].warning = [~0]
        allFail[.repetitionCount].failure = [~0]
        var alarms: [LaneAlarm] = []
        for _ in 0..<2 { ledger.judge(nothing) { alarms.append($0) } }
        #expect(ledger.admitted == [~0])
        let epoch = ledger.healthEpoch
        ledger.lease([0b11])
        #expect(ledger.healthEpoch == epoch + 1)
        #expect(ledger.admitted == [~0b11] && ledger.unfailed == [~0b11] && ledger.away == [0b11])
        #expect(ledger.counts.leased == 2 && ledger.counts.good == 62 && ledger.unknownByLease == 2)
        ledger.judge(allFail) { alarms.append($0) }
        #expect(alarms.count == 62 && alarms.allSatisfy { ($0.lane ?? 0) > 1 })
        #expect(ledger.states[0] == .leased && ledger.alarms(of: .repetitionCount)[0] == 0)
        ledger.release([0b01])
        #expect(ledger.states[0] == .initial && ledger.states[1] == .leased && ledger.awayCount == 2)
        ledger.judge(allFail) { _ in }
        #expect(ledger.states[0] == .initial, "it is not in the stream yet")
        ledger.rejoin([0b01])
        #expect(ledger.unfailed == [0b01] && ledger.awayCount == 1)
        #expect(ledger.unknownByLease == 2, "nothing is known of a lane that came back")
        ledger.judge(nothing) { _ in }
        #expect(ledger.admitted[0] & 0b11 == 0)
        ledger.judge(nothing) { _ in }
        #expect(ledger.admitted[0] & 0b11 == 0b01)
        #expect(ledger.unknownByLease == 1 && ledger.counts.leased == 1)
    }

    @Test("a lane that failed before it was leased needs no fewer clean windows than without the lease")
    func leaseOfFailed() {
        var ledger = LaneLedger(lanes: 64, startUpWindows: 1)
        var failing = WindowFindings(words: 1)
        failing[.repetitionCount].warning = [1]
        failing[.repetitionCount].failure = [1]
        for _ in 0..<3 {
            ledger.judge(failing) { _ in }
            ledger.judge(WindowFindings(words: 1)) { _ in }
        }
        ledger.lease([1])
        ledger.release([1])
        ledger.rejoin([1])
        ledger.judge(WindowFindings(words: 1)) { _ in }
        #expect(ledger.states[0] == .starting(cleanWindows: 1))
    }

    @Test(
        "through any findings each lane goes its own way and the totals agree with the lanes",
        arguments: [64, 128, 576], [1, 2, 4])
    func bookkeeping(lanes: Int, rarity: Int) {
        var random = SeededGenerator(UInt64(lanes + rarity))
        var ledger = LaneLedger(lanes: lanes, startUpWindows: 2)
        var states = [LaneState](repeating: .initial, count: lanes)
        var readmissions = [Readmission](repeating: Readmission(startUpWindows: 2), count: lanes)
        for window in 0..<100 {
            let findings = Self.findings(words: lanes / 64, rarity: rarity, random: &random)
            let (admitted, epoch) = (ledger.admitted, ledger.healthEpoch)
            ledger.judge(findings) { _ in }
            for lane in states.indices {
                let old = states[lane]
                states[lane] = old.after(
                    Self.finding(findings, lane), startUpWindows: old.isAdmitted ? 2 : readmissions[lane].windows)
                if states[lane] == .failed, old != .failed {
                    readmissions[lane].failed(by: .repetitionCount, window: window)
                }
            }
            #expect(ledger.admitted == Self.mask(states))
            #expect(ledger.states == states)
            #expect(ledger.counts == Self.counts(of: ledger))
            #expect(ledger.counts.admitted == states.count(where: \.isAdmitted))
            let step: UInt32 = ledger.admitted == admitted ? 0 : 1
            #expect(ledger.healthEpoch == epoch + step)
        }
        #expect(ledger.windows == 100)
    }

    @Test("for each test the windows in which it decided about a lane are counted")
    func alarmCounts() {
        var random = SeededGenerator(6)
        var ledger = LaneLedger(lanes: 128, startUpWindows: 3)
        let all = (0..<200).map { _ in Self.findings(words: 2, rarity: 3, random: &random) }
        for findings in all { ledger.judge(findings) { _ in } }
        for lane in 0..<128 {
            let repetition = all.count { Self.repetitionDecides($0, lane) }
            let either = all.count {
                $0[.repetitionCount].warning.hasLane(lane)
                    || $0[.adaptiveProportion].warning.hasLane(lane)
            }
            #expect(ledger.alarms(of: .repetitionCount)[lane] == repetition && repetition > 0)
            #expect(ledger.alarms(of: .adaptiveProportion)[lane] == either - repetition)
        }
    }

    /// A failure goes before a warning, and the repetition count before the proportion.
    private static func repetitionDecides(_ findings: WindowFindings, _ lane: Int) -> Bool {
        findings[.repetitionCount].failure.hasLane(lane)
            || findings[.repetitionCount].warning.hasLane(lane)
                && !findings[.adaptiveProportion].failure.hasLane(lane)
    }

    @Test("where both tests trip, the alarm names the one that tripped at its severity")
    func namedTest() {
        var findings = WindowFindings(words: 1)
        // Lane 0 warns in both, 1 fails in both, 2 and 3 fail in one and warn in the other.
        findings[.repetitionCount].warning = [0b1111]
        findings[.repetitionCount].failure = [0b0110]
        findings[.adaptiveProportion].warning = [0b1111]
        findings[.adaptiveProportion].failure = [0b1010]
        var ledger = LaneLedger(lanes: 64, startUpWindows: 1)
        var alarms: [LaneAlarm] = []
        ledger.judge(WindowFindings(words: 1)) { alarms.append($0) }
        ledger.judge(findings) { alarms.append($0) }
        #expect(
            alarms == [
                LaneAlarm(lane: 0, test: .repetitionCount, severity: .warning, window: 1),
                LaneAlarm(lane: 1, test: .repetitionCount, severity: .failure, window: 1),
                LaneAlarm(lane: 2, test: .repetitionCount, severity: .failure, window: 1),
                LaneAlarm(lane: 3, test: .adaptiveProportion, severity: .failure, window: 1),
            ])
    }

    @Test("several lanes that change in one window raise the epoch once")
    func epochOfOneWindow() {
        var ledger = LaneLedger(lanes: 64, startUpWindows: 1, healthEpoch: .max)
        var failing = WindowFindings(words: 1)
        failing[.repetitionCount].warning = [0xff]
        failing[.repetitionCount].failure = [0x0f]
        var alarms: [LaneAlarm] = []
        ledger.judge(WindowFindings(words: 1)) { alarms.append($0) }
        #expect(ledger.healthEpoch == 0, "it wraps")
        ledger.judge(failing) { alarms.append($0) }
        #expect(ledger.healthEpoch == 1)
        #expect(ledger.admitted == [~0x0f])
        #expect(alarms.map(\.lane) == Array(0...7))
        #expect(alarms.map(\.severity) == (0...7).map { $0 < 4 ? .failure : .warning })
        ledger.judge(failing) { alarms.append($0) }
        #expect(ledger.healthEpoch == 1, "the same set")
    }

    @Test("the shortest start-up test is that of the lane that needs the fewest windows; none is none")
    func shortestStartUp() {
        var ledger = LaneLedger(lanes: 64, startUpWindows: 2)
        let clean = WindowFindings(words: 1)
        func failing(_ lanes: UInt64) -> WindowFindings {
            var findings = clean
            findings[.repetitionCount].warning = [lanes]
            findings[.repetitionCount].failure = [lanes]
            return findings
        }
        var found: [Int?] = [ledger.shortestStartUp]
        // Lane 0 fails twice, and lane 1 once, at last while lane 0 is in its longer test.
        for findings in [clean, clean, failing(1), clean, clean, failing(1), clean, failing(2), clean, clean, clean] {
            ledger.judge(findings) { _ in }
            found.append(ledger.shortestStartUp)
        }
        #expect(found == [2, 2, nil, nil, 2, 2, nil, 4, 4, 2, 2, nil])
    }
}

// SPDX-License-Identifier: Apache-2.0

import LaneHealth
import Testing

/// What the book makes of resistances and of the array as a whole, beside the bits of lanes.
@Suite(
    "The book of the devices and of the array: resistances and common disturbances; masking, precedence of tests, epochs"
)
struct LedgerOfDevicesTests {
    private static let lane = 5

    /// 64 resistances, of which lane 5's is the given multiple of the others.
    private static func resistance(_ multiple: Float) -> ResistanceTest {
        var ohms = [Float](repeating: 3000, count: 64)
        ohms[lane] *= multiple
        return ResistanceTest(ohms: ohms)
    }

    /// What the tests of bits show in lane 5, and nothing in the others.
    private static func findings(_ shown: LaneScript.Shown) -> WindowFindings {
        let two = LaneScript.findings(shown, lane: lane)
        var findings = WindowFindings(words: 1)
        findings[.repetitionCount].warning[0] = two[.repetitionCount].warning[0]
        findings[.repetitionCount].failure[0] = two[.repetitionCount].failure[0]
        findings[.adaptiveProportion].warning[0] = two[.adaptiveProportion].warning[0]
        findings[.adaptiveProportion].failure[0] = two[.adaptiveProportion].failure[0]
        return findings
    }

    private static let clean = WindowFindings(words: 1)

    /// A book in which all lanes and the array are good, after a window.
    private static func goodLedger(startUpWindows: Int = 1) -> LaneLedger {
        var ledger = LaneLedger(lanes: 64, startUpWindows: startUpWindows)
        for _ in 0..<startUpWindows { ledger.judge(clean) { _ in } }
        return ledger
    }

    @Test("a collapsed device is masked in every window until it is measured to be whole again")
    func collapse() {
        var ledger = Self.goodLedger(startUpWindows: 2)
        var alarms: [LaneAlarm] = []
        let epoch = ledger.healthEpoch
        ledger.measured(Self.resistance(0.2))
        #expect(ledger.admitted == [.max], "the next window tells")
        for _ in 0..<3 { ledger.judge(Self.clean) { alarms.append($0) } }
        #expect(ledger.admitted == [~(1 << 5)] && ledger.healthEpoch == epoch + 1)
        #expect(
            alarms == [LaneAlarm(lane: 5, test: .resistance, severity: .failure, window: 2)])
        #expect(ledger.alarms(of: .resistance)[5] == 3)
        ledger.measured(Self.resistance(1))
        for windows in 0..<2 {
            ledger.judge(Self.clean) { alarms.append($0) }
            #expect(ledger.states[5] == .starting(cleanWindows: windows))
        }
        ledger.judge(Self.clean) { alarms.append($0) }
        #expect(ledger.states[5] == .good && ledger.admitted == [.max])
        #expect(ledger.healthEpoch == epoch + 2)
        #expect(alarms.count == 1 && ledger.alarms(of: .resistance).reduce(0, +) == 3)
    }

    @Test("a device that is far from the others, but not too far, warns once and is used")
    func warning() {
        var ledger = Self.goodLedger()
        var alarms: [LaneAlarm] = []
        let epoch = ledger.healthEpoch
        ledger.measured(Self.resistance(0.6))
        for _ in 0..<3 { ledger.judge(Self.clean) { alarms.append($0) } }
        #expect(ledger.states[5] == .warned(cleanWindows: 0) && ledger.admitted == [.max])
        #expect(alarms == [LaneAlarm(lane: 5, test: .resistance, severity: .warning, window: 1)])
        ledger.measured(Self.resistance(0.4))
        ledger.judge(Self.clean) { alarms.append($0) }
        #expect(alarms.last?.severity == .failure && alarms.count == 2)
        #expect(ledger.healthEpoch == epoch + 1)
    }

    @Test("a device that is not whole at the start is never admitted, and alarms once")
    func startUp() {
        var ledger = LaneLedger(lanes: 64, startUpWindows: 3)
        var alarms: [LaneAlarm] = []
        ledger.measured(Self.resistance(.nan))
        for _ in 0..<5 {
            ledger.judge(Self.clean) { alarms.append($0) }
            #expect(!ledger.admitted.hasLane(5))
        }
        #expect(alarms.map(\.test) == [.resistance] && alarms.map(\.severity) == [.failure])
        #expect(ledger.counts.good == 63)
    }

    struct Case: Sendable {
        let shown: LaneScript.Shown
        let multiple: Float
        let test: HealthTest
        let severity: LaneAlarm.Severity
    }

    @Test(
        "of several tests the more severe one decides, and then the one of bits",
        arguments: [
            Case(
                shown: .repetitionFailure, multiple: 0.2, test: .repetitionCount, severity: .failure
            ),
            Case(
                shown: .proportionFailure, multiple: 0.2, test: .adaptiveProportion,
                severity: .failure),
            Case(shown: .repetitionWarning, multiple: 0.2, test: .resistance, severity: .failure),
            Case(shown: .proportionWarning, multiple: 0.2, test: .resistance, severity: .failure),
            Case(shown: .nothing, multiple: 0.2, test: .resistance, severity: .failure),
            Case(
                shown: .repetitionFailure, multiple: 0.6, test: .repetitionCount, severity: .failure
            ),
            Case(
                shown: .repetitionWarning, multiple: 0.6, test: .repetitionCount, severity: .warning
            ),
            Case(
                shown: .proportionWarning, multiple: 0.6, test: .adaptiveProportion,
                severity: .warning),
            Case(shown: .nothing, multiple: 0.6, test: .resistance, severity: .warning),
        ])
    func precedence(example: Case) {
        var ledger = Self.goodLedger()
        var alarms: [LaneAlarm] = []
        ledger.measured(Self.resistance(example.multiple))
        ledger.judge(Self.findings(example.shown)) { alarms.append($0) }
        let expected = LaneAlarm(
            lane: 5, test: example.test, severity: example.severity, window: 1)
        #expect(alarms == [expected])
        let alarmCounts = [
            (HealthTest.repetitionCount, ledger.alarms(of: .repetitionCount)),
            (.adaptiveProportion, ledger.alarms(of: .adaptiveProportion)),
            (.resistance, ledger.alarms(of: .resistance)),
        ]
        for (test, counts) in alarmCounts {
            #expect(counts[5] == (test == example.test ? 1 : 0))
        }
    }

    @Test("the array goes its own way, and changes nothing of the lanes")
    func array() {
        var ledger = LaneLedger(lanes: 64, startUpWindows: 2)
        #expect(ledger.crossLane == .starting(cleanWindows: 0))
        var alarms: [LaneAlarm] = []
        let script: [(LaneFinding, LaneState, UInt32)] = [
            (.warning, .starting(cleanWindows: 0), 0),
            (.clean, .starting(cleanWindows: 1), 1),
            (.clean, .good, 2),
            (.warning, .warned(cleanWindows: 0), 2),
            (.failure, .failed, 3),
            (.failure, .failed, 3),
            (.warning, .failed, 3),
            (.clean, .starting(cleanWindows: 0), 3),
            (.failure, .failed, 3),
            (.clean, .starting(cleanWindows: 0), 3),
            (.clean, .starting(cleanWindows: 1), 3),
            (.clean, .starting(cleanWindows: 2), 3),
            (.clean, .starting(cleanWindows: 3), 3),
            (.clean, .good, 4),
            (.failure, .failed, 5),
        ]
        for (finding, state, epoch) in script {
            ledger.judge(Self.clean, crossLane: finding) { alarms.append($0) }
            #expect(ledger.crossLane == state)
            // The second window admits the lanes, which is in the epoch, too.
            #expect(ledger.healthEpoch == epoch)
        }
        #expect(ledger.admitted == [.max] && ledger.counts.good == 64)
        #expect(
            alarms == [
                LaneAlarm(lane: nil, test: .crossLane, severity: .warning, window: 3),
                LaneAlarm(lane: nil, test: .crossLane, severity: .failure, window: 4),
                LaneAlarm(lane: nil, test: .crossLane, severity: .failure, window: 14),
            ])
    }

    @Test("lanes and the array that change in one window raise the epoch once")
    func epoch() {
        var ledger = Self.goodLedger()
        #expect(ledger.healthEpoch == 1, "all were admitted")
        var alarms: [LaneAlarm] = []
        ledger.judge(Self.findings(.repetitionFailure), crossLane: .failure) { alarms.append($0) }
        #expect(ledger.healthEpoch == 2)
        #expect(alarms.map(\.lane) == [nil, 5])
    }

    @Test("unfailed are those that start, are good or warned")
    func unfailed() {
        var ledger = LaneLedger(lanes: 64, startUpWindows: 2)
        #expect(ledger.unfailed == [.max])
        ledger.judge(Self.findings(.repetitionFailure)) { _ in }
        #expect(ledger.unfailed == [~(1 << 5)])
        ledger.judge(Self.clean) { _ in }
        #expect(ledger.unfailed == [.max] && ledger.admitted == [~(1 << 5)])
        for _ in 0..<2 { ledger.judge(Self.clean) { _ in } }
        ledger.judge(Self.findings(.proportionWarning)) { _ in }
        #expect(ledger.unfailed == [.max] && ledger.counts.warned == 1)
    }
}

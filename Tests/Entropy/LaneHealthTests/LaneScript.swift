// SPDX-License-Identifier: Apache-2.0

import LaneHealth
import Testing

/// The life of one lane, window by window, among lanes that show nothing.
struct LaneScript: Sendable, CustomTestStringConvertible {
    /// What a window shows in the lane.
    enum Shown: Sendable {
        case nothing, repetitionWarning, repetitionFailure, proportionWarning, proportionFailure, longWarning
    }

    /// What the lane's entry in the book has to be after the window.
    struct Line: Sendable {
        let shown: Shown
        let state: LaneState
        let alarm: Alarm?

        static func window(
            _ shown: Shown, _ state: LaneState, alarm test: HealthTest? = nil,
            _ severity: LaneAlarm.Severity = .failure
        ) -> Line {
            let alarm = test.map { Alarm(test: $0, severity: severity) }
            return Line(shown: shown, state: state, alarm: alarm)
        }
    }

    struct Alarm: Sendable, Equatable {
        let test: HealthTest
        let severity: LaneAlarm.Severity
    }

    let testDescription: String
    let startUpWindows: Int
    let lines: [Line]

    init(_ description: String, startUpWindows: Int, _ lines: [Line]) {
        testDescription = description
        self.startUpWindows = startUpWindows
        self.lines = lines
    }

    /// Goes through the script with the lane among 128.
    func play(lane: Int) {
        var ledger = LaneLedger(lanes: 128, startUpWindows: startUpWindows, healthEpoch: 40)
        for (window, line) in lines.enumerated() {
            let (admitted, epoch) = (ledger.admitted, ledger.healthEpoch)
            var alarms: [LaneAlarm] = []
            ledger.judge(Self.findings(line.shown, lane: lane)) { alarms.append($0) }
            let expected = line.alarm.map {
                [LaneAlarm(lane: lane, test: $0.test, severity: $0.severity, window: window)]
            }
            let at: Comment = "window \(window)"
            #expect(alarms == expected ?? [], at)
            #expect(ledger.states[lane] == line.state, at)
            #expect(ledger.admitted.hasLane(lane) == line.state.isAdmitted, at)
            let step: UInt32 = ledger.admitted == admitted ? 0 : 1
            #expect(ledger.healthEpoch == epoch + step, at)
            checkOthers(ledger, lane: lane)
        }
    }

    private func checkOthers(_ ledger: LaneLedger, lane: Int) {
        let clean = ledger.windows
        let state = clean < startUpWindows ? LaneState.starting(cleanWindows: clean) : .good
        for other in 0..<128 where other != lane {
            #expect(ledger.states[other] == state)
            #expect(ledger.admitted.hasLane(other) == state.isAdmitted)
        }
    }

    static func findings(_ shown: Shown, lane: Int) -> WindowFindings {
        var findings = WindowFindings(words: 2)
        let bit = UInt64(1) << (lane % 64)
        switch shown {
        case .nothing: break
        case .repetitionWarning: findings[.repetitionCount].warning[lane / 64] = bit
        case .repetitionFailure:
            findings[.repetitionCount].warning[lane / 64] = bit
            findings[.repetitionCount].failure[lane / 64] = bit
        case .proportionWarning: findings[.adaptiveProportion].warning[lane / 64] = bit
        case .longWarning: findings[.longPrediction].warning[lane / 64] = bit
        case .proportionFailure:
            findings[.adaptiveProportion].warning[lane / 64] = bit
            findings[.adaptiveProportion].failure[lane / 64] = bit
        }
        return findings
    }
}

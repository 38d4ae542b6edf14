// SPDX-License-Identifier: Apache-2.0

/// One step of a lane to `warned` or `failed`, and the test that made it.
package struct LaneAlarm: Sendable, Equatable {
    package enum Test: String, Sendable {
        case repetitionCount
        case adaptiveProportion
    }

    package enum Severity: String, Sendable {
        case warning
        case failure
    }

    package let lane: Int
    package let test: Test
    package let severity: Severity
    /// Which window it was found in, counted from 0.
    package let window: Int

    package init(lane: Int, test: Test, severity: Severity, window: Int) {
        self.lane = lane
        self.test = test
        self.severity = severity
        self.window = window
    }
}

/// How many lanes are in each state.
package struct LaneCounts: Sendable, Equatable {
    package var starting = 0
    package var good = 0
    package var warned = 0
    package var failed = 0

    /// Lanes whose bits are used.
    package var admitted: Int { good + warned }

    package init() {}

    mutating func add(_ state: LaneState, _ change: Int) {
        switch state {
        case .starting: starting += change
        case .good: good += change
        case .warned: warned += change
        case .failed: failed += change
        }
    }
}

/// The book of the lanes: their states, and what was found in them. A value; the same findings in
/// the same order always lead to the same book.
package struct LaneLedger: Sendable {
    package let lanes: Int
    package let startUpWindows: Int
    /// How many windows were judged.
    package private(set) var windows = 0
    package private(set) var counts = LaneCounts()
    /// The lanes whose bits are used, a bit each.
    package private(set) var admitted: [UInt64]
    /// Rises whenever the set of admitted lanes changes.
    package private(set) var healthEpoch: UInt32
    package private(set) var states: [LaneState]
    /// In how many windows each lane tripped each test, at either severity.
    package private(set) var repetitionCountAlarms: [Int]
    package private(set) var adaptiveProportionAlarms: [Int]
    private var ones: OnesTally
    /// The lanes that are not `good`, a bit each: those a clean window moves on.
    private var unsettled: [UInt64]

    /// - Parameter healthEpoch: where the epoch goes on from.
    package init(lanes: Int, startUpWindows: Int, healthEpoch: UInt32 = 0) {
        self.healthEpoch = healthEpoch
        self.lanes = lanes
        self.startUpWindows = startUpWindows
        admitted = [UInt64](repeating: 0, count: lanes / 64)
        states = [LaneState](repeating: .initial, count: lanes)
        repetitionCountAlarms = [Int](repeating: 0, count: lanes)
        adaptiveProportionAlarms = repetitionCountAlarms
        ones = OnesTally(words: lanes / 64)
        unsettled = [UInt64](repeating: ~0, count: lanes / 64)
        counts.starting = lanes
    }

    /// The fraction of ones a lane has given over all judged windows; ½ before the first.
    package func fractionOfOnes(lane: Int) -> Double {
        windows == 0
            ? 0.5 : Double(ones[lane]) / (Double(windows) * Double(HealthCutoffs.windowShots))
    }

    /// Enters what a window showed, and moves the lanes on.
    ///
    /// - Parameter report: is told of each lane that became warned or failed.
    package mutating func judge(_ window: HealthWindow, report: (LaneAlarm) -> Void) {
        ones.add(window.onesPlanes, stride: window.stride)
        judge(window.findings, report: report)
    }

    /// The same for findings alone: the ones of the window are not counted.
    package mutating func judge(_ findings: WindowFindings, report: (LaneAlarm) -> Void) {
        var admissionChanged = false
        for word in admitted.indices {
            // Lanes that are good and stay so need no entry: that is nearly always all of them.
            var concerned = findings.tripped(word: word) | unsettled[word]
            while concerned != 0 {
                let lane = word * 64 + concerned.trailingZeroBitCount
                concerned &= concerned - 1
                count(findings, lane: lane)
                let changed = move(lane, findings, report: report)
                admissionChanged = changed || admissionChanged
            }
        }
        windows += 1
        if admissionChanged { healthEpoch &+= 1 }
    }

    private mutating func count(_ findings: WindowFindings, lane: Int) {
        if findings.repetitionCountWarning.hasLane(lane) { repetitionCountAlarms[lane] += 1 }
        if findings.adaptiveProportionWarning.hasLane(lane) { adaptiveProportionAlarms[lane] += 1 }
    }

    /// - Returns: whether the lane became admitted or ceased to be.
    private mutating func move(
        _ lane: Int, _ findings: WindowFindings, report: (LaneAlarm) -> Void
    ) -> Bool {
        let old = states[lane]
        let new = old.after(findings.finding(ofLane: lane), startUpWindows: startUpWindows)
        states[lane] = new
        counts.add(old, -1)
        counts.add(new, 1)
        if let severity = severity(from: old, to: new) {
            let failed = findings.repetitionCountFailure.hasLane(lane)
            let warned = findings.repetitionCountWarning.hasLane(lane)
            let test: LaneAlarm.Test =
                (severity == .failure ? failed : warned) ? .repetitionCount : .adaptiveProportion
            report(LaneAlarm(lane: lane, test: test, severity: severity, window: windows))
        }
        admitted.setLane(lane, to: new.isAdmitted)
        unsettled.setLane(lane, to: new != .good)
        return old.isAdmitted != new.isAdmitted
    }

    private func severity(from old: LaneState, to new: LaneState) -> LaneAlarm.Severity? {
        switch (old, new) {
        case (.failed, .failed), (.warned, .warned): nil
        case (_, .failed): .failure
        case (_, .warned): .warning
        default: nil
        }
    }
}

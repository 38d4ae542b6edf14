// SPDX-License-Identifier: Apache-2.0

/// The book of the lanes: their states, and what was found in them. A value; the same findings in
/// the same order always lead to the same book.
package struct LaneLedger: Sendable {
    package let lanes: Int
    package let startUpWindows: Int
    /// How many windows were judged.
    package private(set) var windows = 0
    package private(set) var counts = LaneCounts()
    /// The lanes whose bits are used, a bit each, as far as the lanes by themselves go.
    package private(set) var admitted: [UInt64]
    /// The lanes of the stream that have not failed, a bit each.
    package private(set) var unfailed: [UInt64]
    /// The lanes that had failed and, in the last window, began their start-up test again, a bit each.
    package private(set) var recovering: [UInt64]
    /// Rises whenever it changes which lanes' bits are used.
    package private(set) var healthEpoch: UInt32
    package private(set) var states: [LaneState]
    /// What the test across lanes says of all of them together.
    package var crossLane: LaneState { crossLaneState.state }
    /// What the test for repeated blocks says of the whole array.
    package var repeatedBlock: LaneState { repeatedBlockState.state }
    private var crossLaneState: ArrayState
    private var repeatedBlockState: ArrayState
    /// By the number of the test, and the lane: in how many windows the test decided about the lane.
    private var alarmCounts: [[Int]]
    /// What the last measurement of the devices showed: it stands until the next one.
    private var resistance: ResistanceTest
    /// The lanes that are not `good`, a bit each: those a clean window moves on.
    private var unsettled: [UInt64]
    private var readmission: [Readmission]
    /// The lanes that are not in the stream, because clients have them or had them a moment ago, a bit each.
    package private(set) var away: [UInt64]
    /// The lanes that came back from a client and have neither been admitted nor failed since, a bit each.
    private var returned: [UInt64]
    /// The fewest clean windows that a lane in its start-up test needs; nil while no lane is in one.
    package private(set) var shortestStartUp: Int?

    /// - Parameter healthEpoch: where the epoch goes on from.
    package init(lanes: Int, startUpWindows: Int, healthEpoch: UInt32 = 0) {
        self.healthEpoch = healthEpoch
        self.lanes = lanes
        self.startUpWindows = startUpWindows
        admitted = [UInt64](repeating: 0, count: lanes / 64)
        states = [LaneState](repeating: .initial, count: lanes)
        crossLaneState = ArrayState(.crossLane, startUpWindows: startUpWindows)
        repeatedBlockState = ArrayState(.repeatedBlock, startUpWindows: startUpWindows)
        alarmCounts = HealthTest.inOrder.map { _ in [Int](repeating: 0, count: lanes) }
        resistance = ResistanceTest(words: lanes / 64)
        unsettled = [UInt64](repeating: ~0, count: lanes / 64)
        unfailed = unsettled
        recovering = admitted
        away = admitted
        returned = admitted
        readmission = [Readmission](repeating: Readmission(startUpWindows: startUpWindows), count: lanes)
        counts.starting = lanes
        shortestStartUp = startUpWindows
    }

    /// Takes a measurement of the devices, which counts in every window from now on.
    package mutating func measured(_ resistance: ResistanceTest) {
        self.resistance = resistance
    }

    /// Gives lanes to clients. What comes in their place is not judged.
    ///
    /// - Parameter lanes: a bit each.
    package mutating func lease(_ lanes: [UInt64]) {
        move(lanes, to: .leased)
        for word in lanes.indices {
            away[word] |= lanes[word]
            returned[word] &= ~lanes[word]
        }
    }

    /// Takes lanes back from clients. They begin their start-up test once they `rejoin` the stream.
    ///
    /// - Parameter lanes: a bit each.
    package mutating func release(_ lanes: [UInt64]) {
        move(lanes, to: .initial)
        for word in lanes.indices { returned[word] |= lanes[word] }
    }

    /// Says that lanes that were taken back are in the stream again.
    ///
    /// - Parameter lanes: a bit each.
    package mutating func rejoin(_ lanes: [UInt64]) {
        for word in lanes.indices {
            away[word] &= ~lanes[word]
            unfailed[word] |= lanes[word]
        }
    }

    /// How many lanes a client has or had, and of which nothing is known since.
    package var unknownByLease: Int {
        away.indices.reduce(0) { $0 + (away[$1] | returned[$1]).nonzeroBitCount }
    }

    /// How many lanes are not in the stream.
    package var awayCount: Int { away.reduce(0) { $0 + $1.nonzeroBitCount } }

    private mutating func move(_ lanes: [UInt64], to new: LaneState) {
        let before = admitted
        for lane in 0..<64 * lanes.count where lanes.hasLane(lane) { enter(new, lane: lane) }
        if admitted != before { healthEpoch &+= 1 }
    }

    /// Enters what a window showed, and moves the lanes on.
    ///
    /// - Parameters:
    ///   - crossLane: what the test across lanes found.
    ///   - repeatedBlock: what the test for repeated blocks found.
    ///   - report: is called for each lane that became warned or failed, and for the array. A lane that was not
    ///     admitted since it failed fails again without a report.
    package mutating func judge(
        _ findings: WindowFindings, crossLane: LaneFinding = .clean, repeatedBlock: LaneFinding = .clean,
        report: (LaneAlarm) -> Void
    ) {
        let crossLaneChanged = crossLaneState.move(crossLane, window: windows, report: report)
        let repeatedChanged = repeatedBlockState.move(repeatedBlock, window: windows, report: report)
        var admissionChanged = crossLaneChanged || repeatedChanged
        shortestStartUp = nil
        for word in admitted.indices {
            recovering[word] = 0
            // Lanes that are good and stay so need no entry: that is nearly always all of them.
            var concerned =
                (findings.tripped(word: word) | resistance.warning[word] | unsettled[word]) & ~away[word]
            while concerned != 0 {
                let lane = word * 64 + concerned.trailingZeroBitCount
                concerned &= concerned - 1
                let changed = move(lane, findings, report: report)
                admissionChanged = changed || admissionChanged
            }
        }
        windows += 1
        if admissionChanged { healthEpoch &+= 1 }
    }

    /// The number of windows in which a test decided about each lane, at either severity.
    package func alarms(of test: HealthTest) -> [Int] { alarmCounts[test.rawValue] }

    /// The test that decides about a lane. Bits go before resistance, of which they are the consequence; of the
    /// warnings, that of the long test goes first, as it withholds the lane's bits.
    private func decisive(
        _ findings: WindowFindings, lane: Int
    ) -> (test: HealthTest, severity: LaneAlarm.Severity)? {
        let ofBits = findings.decisive(ofLane: lane)
        if ofBits?.severity == .failure { return ofBits }
        if resistance.failure.hasLane(lane) { return (.resistance, .failure) }
        if findings[.longPrediction].warning.hasLane(lane) { return (.longPrediction, .warning) }
        if ofBits == nil, resistance.warning.hasLane(lane) { return (.resistance, .warning) }
        return ofBits
    }

    private func finding(_ decisive: (test: HealthTest, severity: LaneAlarm.Severity)) -> LaneFinding {
        switch decisive {
        case (_, .failure): .failure
        case (.longPrediction, .warning): .shortfall
        case (_, .warning): .warning
        }
    }

    /// - Returns: whether the lane became admitted or ceased to be.
    private mutating func move(
        _ lane: Int, _ findings: WindowFindings, report: (LaneAlarm) -> Void
    ) -> Bool {
        let old = states[lane]
        let decisive = decisive(findings, lane: lane)
        let new = old.after(
            decisive.map(finding) ?? .clean,
            startUpWindows: old.isWarned ? startUpWindows : readmission[lane].windows)
        let wasMasked = readmission[lane].isMasked
        if let decisive, new == .failed, old != .failed {
            readmission[lane].failed(by: decisive.test, window: windows)
        }
        if old.isAdmitted, new.isStarting { readmission[lane].fellShort(window: windows) }
        if old == .failed, new != .failed { recovering.setLane(lane, to: true) }
        if new.isAdmitted { readmission[lane].admitted() }
        if new.isStarting { shortestStartUp = min(shortestStartUp ?? .max, readmission[lane].windows) }
        if new.isAdmitted || new == .failed { returned.setLane(lane, to: false) }
        enter(new, lane: lane)
        if let decisive {
            alarmCounts[decisive.test.rawValue][lane] += 1
            if let severity = old.alarm(movingTo: new), !wasMasked {
                report(
                    LaneAlarm(
                        lane: lane, test: decisive.test, severity: severity, window: windows))
            }
        }
        return old.isAdmitted != new.isAdmitted
    }

    private mutating func enter(_ state: LaneState, lane: Int) {
        counts.add(states[lane], -1)
        counts.add(state, 1)
        states[lane] = state
        admitted.setLane(lane, to: state.isAdmitted)
        unsettled.setLane(lane, to: state != .good)
        unfailed.setLane(lane, to: state != .failed && state != .leased && !away.hasLane(lane))
    }
}

/// Where the array stands as a whole in one test.
private struct ArrayState {
    private(set) var state = LaneState.initial
    private let test: HealthTest
    private let startUpWindows: Int
    private var readmission: Readmission

    init(_ test: HealthTest, startUpWindows: Int) {
        self.test = test
        self.startUpWindows = startUpWindows
        readmission = Readmission(startUpWindows: startUpWindows)
    }

    /// - Returns: whether it became admitted or ceased to be.
    mutating func move(_ finding: LaneFinding, window: Int, report: (LaneAlarm) -> Void) -> Bool {
        let old = state
        state = old.after(finding, startUpWindows: old.isWarned ? startUpWindows : readmission.windows)
        let wasMasked = readmission.isMasked
        if state == .failed, old != .failed { readmission.failed(by: test, window: window) }
        if state.isAdmitted { readmission.admitted() }
        if let severity = old.alarm(movingTo: state), !wasMasked {
            report(LaneAlarm(lane: nil, test: test, severity: severity, window: window))
        }
        return old.isAdmitted != state.isAdmitted
    }
}

extension LaneState {
    /// The severity of the alarm that a step raises; nil when it raises none.
    fileprivate func alarm(movingTo new: LaneState) -> LaneAlarm.Severity? {
        switch (self, new) {
        case (.failed, .failed), (.warned, .warned): nil
        case (_, .failed): .failure
        case (_, .warned), (.good, .starting), (.warned, .starting): .warning
        default: nil
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import ArrayLeases
import BoardInterface
import BoardProtocol
import LaneHealth
import LinuxPlatform
import OperatingPointControl
import Synchronization

/// The book of a board's lanes: their health, what was measured of them, and what is shown of the pipeline.
///
/// The pipeline's thread writes; any thread reads with `status`. The lock is held once a window.
final class LaneBook: Sendable {
    /// The number of alarms of each severity that are kept: a healthy array raises warnings again and again,
    /// which would push out the failures.
    static let alarmCapacity = 64

    /// The verdict on one window.
    struct WindowVerdict {
        /// The number of lanes whose bits in the window may be used.
        var good: Int
        /// The number of lanes that are not in the stream.
        var away: Int
        /// The number of these, and of lanes that came back and were not known before the window.
        var unknownByLease: Int
        /// Why no lane may be used although enough are good; nil when they may.
        var shortage: PipelineMachine.Shortage?
        /// Whether the window is one of the first start-up test of this book.
        var isOfStartUp: Bool
        /// The fewest clean windows that a lane in its start-up test needs after the window; nil without such a lane.
        var shortestStartUp: Int?
        /// The health epoch after the window.
        var healthEpoch: UInt32
    }

    private struct Content: Sendable {
        var state = PipelineState.starting
        /// Seconds since the Unix epoch.
        var stateSince: Double
        var description: BoardDescription?
        /// The operating points of boards that an activity drives elsewhere for now, by serial number. An
        /// entry outlives a board that fails meanwhile, and the board in its place.
        var pointsToRestore: [String: OperatingPoint] = [:]
        var ledger: LaneLedger?
        /// The serial number of the board that the ledger is of.
        var serial = ""
        var earlier = EarlierLanes()
        var monitor: LaneMonitor?
        var horizon: LongHorizon?
        var trim: TrimStatus?
        /// The lanes that are not in the stream, a bit each; empty while there are none.
        var away: [UInt64] = []
        var leases: [Lease] = []
        var telemetry: BoardTelemetry?
        /// The newest last.
        var alarms: [TimedAlarm] = []

        /// Enters the end of a long period, and begins the averages of the lanes anew that had failed before.
        mutating func measure(_ window: HealthWindow, recovering: [UInt64]) {
            if window.endsPeriod { horizon?.take(window.horizon) }
            for word in recovering.indices {
                var lanes = recovering[word]
                while lanes != 0 {
                    monitor?.restart(lane: word * 64 + lanes.trailingZeroBitCount)
                    lanes &= lanes - 1
                }
            }
        }

        mutating func add(_ alarm: TimedAlarm) {
            let alike = alarms.indices.filter {
                alarms[$0].alarm.severity == alarm.alarm.severity
            }
            if alike.count == LaneBook.alarmCapacity { alarms.remove(at: alike[0]) }
            alarms.append(alarm)
        }
    }

    private let startUpWindows: Int
    private let crossLaneTest: CrossLaneTest
    private let clock: Clock
    private let onEvent: @Sendable (PipelineEvent) -> Void
    private let content: Mutex<Content>

    init(
        settings: PipelineSettings, clock: Clock,
        onEvent: @escaping @Sendable (PipelineEvent) -> Void
    ) {
        startUpWindows = settings.startUpWindows
        crossLaneTest = CrossLaneTest(claimedEntropyPerBit: settings.claimedEntropyPerBit)
        self.clock = clock
        self.onEvent = onEvent
        content = Mutex(Content(stateSince: clock.secondsSinceEpoch()))
    }

    /// Everything that is shown, at one moment. Any thread.
    func status(isResting: Bool) -> PipelineStatus {
        content.withLock { content in
            PipelineStatus(
                state: content.state, stateSince: content.stateSince, isResting: isResting,
                description: content.description, ledger: content.ledger,
                earlier: content.earlier, monitor: content.monitor, horizon: content.horizon, trim: content.trim,
                telemetry: content.telemetry, leases: content.leases,
                alarms: content.alarms)
        }
    }

    /// Tells the log of something.
    func report(_ event: PipelineEvent) { onEvent(event) }

    /// Shows what the pipeline is doing, and reports it if it is something else.
    func show(_ state: PipelineState) {
        let changed = content.withLock { content in
            guard content.state != state else { return false }
            let earlier = content.state
            content.state = state
            if !state.continues(earlier) { content.stateSince = clock.secondsSinceEpoch() }
            return !state.isSameKind(as: earlier)
        }
        if changed { report(.became(state)) }
    }

    // MARK: The board

    /// Enters a board that was opened. Its lanes are not known yet.
    func enter(_ description: BoardDescription) {
        content.withLock { content in
            content.description = description
            content.telemetry = nil
            content.pointsToRestore[description.serial] = nil
        }
    }

    /// The description of the board that was opened last; nil until one was.
    var description: BoardDescription? { content.withLock { $0.description } }

    /// Remembers the operating point of a board that is about to be driven elsewhere, so that it is restored
    /// should the board fail before `forgetPoint`.
    func rememberPoint(of description: BoardDescription) {
        content.withLock { $0.pointsToRestore[description.serial] = description.operatingPoint }
    }

    func forgetPoint(of description: BoardDescription) {
        content.withLock { $0.pointsToRestore[description.serial] = nil }
    }

    /// The operating point that a board has to be restored to; nil when it is at its own.
    func pointToRestore(of description: BoardDescription) -> OperatingPoint? {
        content.withLock { $0.pointsToRestore[description.serial] }
    }

    // MARK: The lanes

    /// Starts over: all lanes are before their start-up test. The health epoch continues.
    func restartLanes(_ description: BoardDescription) {
        content.withLock { content in
            content.description = description
            if let ledger = content.ledger { content.earlier.add(ledger, of: content.serial) }
            content.serial = description.serial
            content.earlier.keepAlarms(of: description.serial, lanes: description.lanes)
            content.ledger = LaneLedger(
                lanes: description.lanes, startUpWindows: startUpWindows,
                healthEpoch: content.ledger?.healthEpoch ?? 0)
            if !content.away.isEmpty {
                let leased = Self.lanes(of: content.leases, words: content.away.count)
                content.ledger?.lease(content.away)
                content.ledger?.release(content.away.indices.map { content.away[$0] & ~leased[$0] })
            }
            content.monitor = LaneMonitor(lanes: description.lanes)
            content.horizon = LongHorizon(lanes: description.lanes)
        }
    }

    /// Enters the leases that there are now, and the lanes that are not in the stream because of them or earlier ones.
    ///
    /// - Parameter away: a bit each; empty when all are in the stream.
    func enter(_ leases: [Lease], away: [UInt64]) {
        content.withLock { content in
            let leased = Self.lanes(of: leases, words: away.count)
            let before = Self.lanes(of: content.leases, words: content.away.count)
            let rejoined = content.away.indices.map { content.away[$0] & ~away.word($0) }
            content.ledger?.lease(leased.indices.map { leased[$0] & ~before.word($0) })
            content.ledger?.release(before.indices.map { before[$0] & ~leased.word($0) })
            content.ledger?.rejoin(rejoined)
            for lane in 0..<64 * rejoined.count where rejoined.hasLane(lane) { content.monitor?.restart(lane: lane) }
            content.leases = leases
            content.away = away
        }
    }

    private static func lanes(of leases: [Lease], words: Int) -> [UInt64] {
        (0..<words).map { word in leases.reduce(0) { $0 | $1.lanes.mask[word] } }
    }

    /// The lanes whose bits are used, and those that clients have, a bit each; nil before the lanes have begun.
    var lanes: (admitted: [UInt64], leased: [UInt64])? {
        content.withLock { content in
            content.ledger.map { ($0.admitted, Self.lanes(of: content.leases, words: $0.lanes / 64)) }
        }
    }

    var healthEpoch: UInt32 { content.withLock { $0.ledger?.healthEpoch ?? 0 } }

    /// The devices whose resistance has collapsed, a bit each; empty when nothing is known.
    var brokenLanes: [UInt64] {
        content.withLock { $0.telemetry.map { ResistanceTest(ohms: $0.resistanceOhms).failure } ?? [] }
    }

    /// Enters what holds the lanes at 50 % ones; nil for a board whose lanes are not trimmed.
    func enter(_ trim: TrimStatus?) { content.withLock { $0.trim = trim } }

    /// Whether the trims of the lanes are being learned.
    var isLearning: Bool {
        content.withLock { content in content.trim.map { $0.state != .holding } ?? false }
    }

    /// Whether the trims of any lane are moved over their range for now.
    var isSearching: Bool { content.withLock { $0.trim?.isSearching ?? false } }

    /// Enters what the board measured about its devices.
    func enter(_ telemetry: BoardTelemetry) {
        let resistance = ResistanceTest(ohms: telemetry.resistanceOhms)
        content.withLock { content in
            content.telemetry = telemetry
            content.ledger?.measured(resistance)
        }
    }

    /// The number of windows judged since the board was first opened.
    var judgedWindows: Int { content.withLock { $0.earlier.windows + ($0.ledger?.windows ?? 0) } }

    /// Judges a tested window, and reports the alarms that it raises.
    ///
    /// - Parameter usable: receives the lanes whose bits in the window may be used, a bit each: those
    ///   that were admitted before it and still are. The window that completes the start-up test of
    ///   a lane is part of the test, and not used.
    func judge(_ window: HealthWindow, usable: UnsafeMutablePointer<UInt64>) -> WindowVerdict {
        // Empty for nearly every window, and then without memory.
        var alarms: [LaneAlarm] = []
        let verdict = enter(window, usable: usable, alarms: &alarms)
        // Outside the lock: a listener may read the book.
        for alarm in alarms { report(.alarm(alarm)) }
        return verdict
    }

    private func enter(
        _ window: HealthWindow, usable: UnsafeMutablePointer<UInt64>, alarms: inout [LaneAlarm]
    ) -> WindowVerdict {
        content.withLock { content in
            guard var ledger = content.ledger.take() else {
                preconditionFailure("windows are judged once the lanes have begun")
            }
            defer { content.ledger = ledger }
            window.compare(lanes: ledger.unfailed)
            content.monitor?.add(window)
            let shortageBefore = ledger.shortage
            // The window that completes a start-up test is a part of it: until the next one, the lane gives nothing.
            let unknownByLease = ledger.unknownByLease
            for word in ledger.admitted.indices { usable[word] = ledger.admitted[word] }
            let finding = crossLaneTest.finding(
                ratio: window.varianceRatio, lanes: window.comparedLanes)
            ledger.judge(window.findings, crossLane: finding, repeatedBlock: window.repeatedBlock) { alarm in
                content.add(
                    TimedAlarm(
                        alarm: alarm, window: content.earlier.windows + alarm.window, time: clock.secondsSinceEpoch(),
                        measuredEntropyPerBit: alarm.lane.flatMap {
                            window.measuredEntropyPerBit(lane: $0, by: alarm.test)
                        }))
                alarms.append(alarm)
            }
            content.measure(window, recovering: ledger.recovering)
            var good = 0
            for word in ledger.admitted.indices {
                usable[word] &= ledger.admitted[word]
                good += usable[word].nonzeroBitCount
            }
            return WindowVerdict(
                good: good, away: ledger.awayCount, unknownByLease: unknownByLease,
                shortage: ledger.shortage ?? shortageBefore,
                isOfStartUp: ledger.windows <= startUpWindows,
                shortestStartUp: ledger.shortestStartUp, healthEpoch: ledger.healthEpoch)
        }
    }
}

extension LaneLedger {
    /// Why no lane may be used; nil when the tests of the whole array have passed.
    fileprivate var shortage: PipelineMachine.Shortage? {
        if !repeatedBlock.isAdmitted { return .repeating }
        return crossLane.isAdmitted ? nil : .correlated
    }
}

extension [UInt64] {
    /// A word, or 0 where there is none.
    fileprivate func word(_ index: Int) -> UInt64 { indices.contains(index) ? self[index] : 0 }
}

// SPDX-License-Identifier: Apache-2.0

import ArrayLeases
import BoardInterface
import BoardProtocol
import Conditioning
import ControlInterface
import DaemonConfiguration
import EntropyPipeline
import EntropyRing
import EntropyTerms
import Glibc
import LaneHealth
import LinuxPlatform
import Synchronization

extension BoardUnit: NamedBoard {
    var name: String { settings.name }
    var serial: String { pipeline.status().description?.serial ?? "" }
}

/// A board's pipeline in the words of the control interface.
extension BoardUnit {
    func summary() -> BoardSummary {
        let status = pipeline.status()
        let board = status.description
        let counts = status.ledger?.counts ?? LaneHealth.LaneCounts()
        let state = status.reportedState
        return BoardSummary(
            name: name, kind: settings.kind.rawValue, provenance: source.provenance,
            serial: board?.serial ?? "", path: board?.path ?? "", firmware: board?.firmware ?? "",
            lanes: board?.lanes ?? settings.lanesBeforeOpening,
            goodLanes: state.isGivingBits ? counts.admitted : 0, state: state,
            holder: state.isOpen ? "metrngd (process \(getpid()))" : "")
    }

    func status() -> BoardStatus {
        let status = pipeline.status()
        let counters = pipeline.counters
        let now = clock.monotonicNanoseconds()
        let board = status.description
        let lanes = board?.lanes ?? settings.lanesBeforeOpening
        let isArray = settings.kind.isArray
        let rate = counters.shotsPerSecond.value(now: now)
        return BoardStatus(
            name: name, kind: settings.kind.rawValue, provenance: source.provenance,
            state: status.reportedState, stateSince: status.stateSince, cause: status.cause,
            remedy: status.remedy(for: settings.kind), serial: board?.serial ?? "",
            path: board?.path ?? "",
            firmware: board?.firmware ?? "", lanes: lanes,
            laneCounts: (status.ledger?.counts ?? LaneHealth.LaneCounts()).report,
            untrimmableLanes: status.trim?.untrimmable ?? 0,
            minimumGoodLanes: pipeline.settings.minimumGoodLanes(of: lanes - (status.ledger?.awayCount ?? 0)),
            healthEpoch: Int(clamping: source.healthEpoch.load(ordering: .relaxed)),
            operatingPoint: isArray ? board?.operatingPoint : nil,
            encoding: isArray ? (board?.encoding).map { "\($0)" } : nil,
            temperatureCelsius: isArray ? counters.celsius : nil,
            claimedEntropyPerBit: pipeline.settings.claimedEntropyPerBit,
            lowestLaneEntropyPerBit: status.lowestLaneEntropyPerBit,
            xorFold: pipeline.settings.fold.parts, shots: counters.shotsReceived.int, shotsPerSecond: rate,
            rawBytesPerSecond: rate * Double(lanes) / 8,
            framesAccepted: counters.framesAccepted.int,
            framesRejected: counters.framesRejected.int, shotsDropped: counters.shotsDropped.int,
            windowsDropped: counters.windowsDropped.int,
            creditedBits: counters.creditedBits.int, newestBitAge: counters.newestBitAge(now: now),
            // The most processed grade first.
            rings: source.channels.reversed().map { $0.report(now: now) },
            lastFailures: Array(status.newest(.failure).prefix(BoardStatus.reportedFailures)),
            lastWarning: status.newest(.warning).first, alarms: status.alarmCounts,
            recordedFrom: board?.recordedFrom?.name, leases: status.leases.map { $0.report(clock: clock) })
    }
}

extension BoardSettings {
    /// 0 where only the board or the recording itself can tell.
    fileprivate var lanesBeforeOpening: Int { kind.hasLanesSetting ? lanes : 0 }
}

private struct LaneAndTest: Hashable {
    let lane: Int?
    let test: HealthTest

    init(_ alarm: LaneAlarm) {
        lane = alarm.lane
        test = alarm.test
    }
}

extension PipelineStatus {
    /// The least that was measured in any lane that gives bits; nil before the first whole period.
    fileprivate var lowestLaneEntropyPerBit: Double? {
        guard let ledger, let horizon else { return nil }
        return ledger.states.indices.lazy.filter { ledger.states[$0].isAdmitted }
            .compactMap { horizon.measurement(lane: $0)?.entropyPerBit }.min()
    }

    /// The number of windows in which each test decided about a lane, added up over all lanes.
    fileprivate var alarmCounts: [AlarmCount] {
        guard let ledger else { return [] }
        return HealthTest.allCases.compactMap { test in
            let now = ledger.alarms(of: test)
            let count = now.indices.reduce(0) { $0 + now[$1] + earlier.alarms(of: test, lane: $1) }
            return count == 0 ? nil : AlarmCount(test: test.name, count: count)
        }
    }

    /// The alarms of a severity, the newest first; of several of a lane in one test the newest alone.
    fileprivate func newest(_ severity: LaneAlarm.Severity) -> [AlarmReport] {
        var seen: Set<LaneAndTest> = []
        return alarms.reversed()
            .filter { $0.alarm.severity == severity && seen.insert(LaneAndTest($0.alarm)).inserted }
            .map(AlarmReport.init)
    }

    var reportedState: BoardState {
        switch state {
        case .tuning: .tuning
        case .starting: .starting
        case .serving: isResting ? .idle : .serving
        case .unhealthy, .correlated, .repeating: .unhealthy
        case .calibrating: .calibrating
        case .leased: .leased
        case .recording: .recording
        case .waiting: .waiting
        case .failed: .failed
        case .ended: .ended
        }
    }

    fileprivate var cause: String? {
        switch state {
        case .tuning, .starting, .serving, .calibrating, .leased, .recording: nil
        case .unhealthy(let good, let minimum): "\(good) good lanes, at least \(minimum) are needed"
        case .correlated: "common-mode correlation of the lanes"
        case .repeating: "it sends bits again that it sent before"
        case .waiting(let awaited): "waiting for the source: \(awaited)"
        case .failed(let error), .ended(let error): error.description
        }
    }

    fileprivate func remedy(for kind: BoardSettings.Kind) -> String? {
        switch state {
        case .tuning, .starting, .serving, .calibrating, .leased, .recording: nil
        case .correlated:
            "look for a disturbance of all devices at once: the supply, the field, the array's clock"
        case .repeating:
            "look for a source that plays a file or a buffer over and over, or a generator with a short period"
        case .unhealthy:
            "see which lanes fail with `mectl health`; check the operating point, the supply and"
                + " the temperature of the array"
        case .waiting: "start or check what feeds the source; metrngd goes on as soon as bits come"
        case .failed(let error), .ended(let error): error.remedy(for: kind)
        }
    }
}

extension PipelineCounters {
    /// Nil before the first frame.
    fileprivate var celsius: Double? {
        framesAccepted.int == 0 ? nil : Double(temperature.load(ordering: .relaxed)) / 100
    }

    /// In seconds; nil before the first bits.
    fileprivate func newestBitAge(now: UInt64) -> Double? {
        let newest = newestBits.load(ordering: .relaxed)
        return newest == 0 ? nil : Double(now - min(now, newest)) / 1e9
    }
}

extension Atomic where Value == UInt64 {
    fileprivate var int: Int { Int(clamping: load(ordering: .relaxed)) }
}

extension EntropyChannel {
    fileprivate func report(now: UInt64) -> RingStatus {
        RingStatus(
            grade: grade.name, capacityBytes: ring.capacity, availableBytes: ring.available,
            deliveredBytes: ring.delivered.load(ordering: .relaxed),
            deliveredBytesPerSecond: ring.deliveredPerSecond.value(now: now))
    }
}

extension LaneHealth.LaneCounts {
    var report: ControlInterface.LaneCounts {
        ControlInterface.LaneCounts(starting: starting, good: good, warned: warned, failed: failed, leased: leased)
    }
}

extension Lease {
    fileprivate func report(clock: Clock) -> LeaseStatus {
        LeaseStatus(
            lanes: lanes.count, processId: Int(holder.processID), userId: Int(holder.userID), since: since,
            secondsLeft: Double(nanosecondsLeft(clock: clock)) / 1e9)
    }
}

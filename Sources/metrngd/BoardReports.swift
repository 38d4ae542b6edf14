// SPDX-License-Identifier: Apache-2.0

import Boards
import ControlInterface
import DaemonConfiguration
import EntropyPipeline
import EntropyRing
import EntropyTerms
import LaneHealth
import LinuxPlatform
import Synchronization

/// A board's pipeline in the words of the control interface.
extension BoardUnit {
    func status() -> BoardStatus {
        let status = pipeline.status()
        let counters = pipeline.counters
        let now = monotonicNanoseconds()
        let board = status.description
        let lanes = board?.lanes ?? settings.lanes
        let point = board?.operatingPoint
        let rate = counters.shotsPerSecond.value(now: now)
        return BoardStatus(
            name: settings.name, kind: settings.kind.rawValue, provenance: source.provenance.report,
            state: status.reportedState, stateSince: status.stateSince, cause: status.cause,
            remedy: status.remedy, serial: board?.serial ?? "", path: board?.path ?? "",
            firmware: board?.firmware ?? "", lanes: lanes,
            laneCounts: (status.ledger?.counts ?? LaneHealth.LaneCounts()).report,
            minimumGoodLanes: pipeline.settings.minimumGoodLanes(of: lanes),
            healthEpoch: Int(source.healthEpoch.load(ordering: .relaxed)),
            operatingPoint: OperatingPointStatus(
                amplitudeMillivolts: point?.amplitudeMillivolts ?? 0,
                pulseWidthPicoseconds: point?.pulseWidthPicoseconds ?? 0,
                biasFieldMicrotesla: point?.biasFieldMicrotesla ?? 0),
            encoding: board?.encoding == .states ? "states" : "toggles",
            temperatureCelsius: counters.celsius,
            claimedEntropyPerBit: pipeline.settings.claimedEntropyPerBit,
            shots: counters.shots.int, shotsPerSecond: rate,
            rawBytesPerSecond: rate * Double(lanes) / 8,
            framesAccepted: counters.framesAccepted.int,
            framesRejected: counters.framesRejected.int, shotsDropped: counters.shotsDropped.int,
            creditedBits: counters.creditedBits.int, newestBitAge: counters.newestBitAge(now: now),
            rings: [source.report(of: .full, now: now), source.report(of: .raw, now: now)],
            lastAlarm: status.alarms.last?.report)
    }

    /// Nil until the board was opened once.
    func health() -> BoardHealth? {
        let status = pipeline.status()
        guard let ledger = status.ledger else { return nil }
        let claim = pipeline.settings.claimedEntropyPerBit
        return BoardHealth(
            name: settings.name, provenance: source.provenance.report, windows: ledger.windows,
            windowShots: HealthCutoffs.windowShots, healthEpoch: Int(ledger.healthEpoch),
            claimedEntropyPerBit: claim,
            cutoffs: HealthCutoffs(claimedEntropyPerBit: claim).report,
            laneCounts: ledger.counts.report, lanes: (0..<ledger.lanes).map(ledger.report(ofLane:)),
            alarms: status.alarms.map(\.report))
    }
}

extension PipelineStatus {
    fileprivate var reportedState: BoardState {
        switch state {
        case .starting: .starting
        case .serving: isResting ? .idle : .serving
        case .unhealthy: .unhealthy
        case .failed: .failed
        }
    }

    fileprivate var cause: String? {
        switch state {
        case .starting, .serving: nil
        case .unhealthy(let good, let minimum): "\(good) good lanes, at least \(minimum) are needed"
        case .failed(let error): error.description
        }
    }

    fileprivate var remedy: String? {
        switch state {
        case .starting, .serving: nil
        case .unhealthy:
            "see which lanes fail with `mectl health`; check the operating point, the supply and"
                + " the temperature of the array"
        case .failed(let error): error.remedy
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
    fileprivate var int: Int { Int(load(ordering: .relaxed)) }
}

extension EntropySource {
    fileprivate func report(of grade: Grade, now: UInt64) -> RingStatus {
        let ring = grade == .raw ? raw : full
        return RingStatus(
            grade: grade.name, capacityBytes: ring.capacity, availableBytes: ring.available,
            deliveredBytes: ring.delivered.load(ordering: .relaxed),
            deliveredBytesPerSecond: ring.deliveredPerSecond.value(now: now))
    }
}

extension Provenance {
    fileprivate var report: ReportedProvenance {
        switch self {
        case .hardware: .hardware
        case .simulated: .simulated
        case .replay: .replay
        case .host: .host
        }
    }
}

extension LaneHealth.LaneCounts {
    fileprivate var report: ControlInterface.LaneCounts {
        ControlInterface.LaneCounts(starting: starting, good: good, warned: warned, failed: failed)
    }
}

extension LaneLedger {
    fileprivate func report(ofLane lane: Int) -> LaneReport {
        LaneReport(
            lane: lane, state: states[lane].report, p: fractionOfOnes(lane: lane),
            repetitionCountAlarms: repetitionCountAlarms[lane],
            adaptiveProportionAlarms: adaptiveProportionAlarms[lane])
    }
}

extension LaneState {
    fileprivate var report: LaneReport.State {
        switch self {
        case .starting: .starting
        case .good: .good
        case .warned: .warned
        case .failed: .failed
        }
    }
}

extension HealthCutoffs {
    fileprivate var report: CutoffReport {
        CutoffReport(
            repetitionCountWarning: repetitionCountWarning,
            repetitionCountFailure: repetitionCountFailure,
            adaptiveProportionWarning: adaptiveProportionWarning,
            adaptiveProportionFailure: adaptiveProportionFailure)
    }
}

extension TimedAlarm {
    fileprivate var report: AlarmReport {
        AlarmReport(
            time: time, lane: alarm.lane, test: alarm.test.rawValue,
            severity: alarm.severity == .failure ? .failure : .warning,
            shot: (alarm.window + 1) * HealthCutoffs.windowShots - 1)
    }
}

// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import ControlInterface
import DaemonConfiguration
import EntropyPipeline
import EntropyRing
import EntropyTerms
import LaneHealth
import OperatingPointControl

/// The health of a board's lanes in the words of the control interface.
extension BoardUnit {
    /// Nil until the board was opened once.
    func health() -> BoardHealth? {
        let status = pipeline.status()
        guard let ledger = status.ledger, let monitor = status.monitor else { return nil }
        let claim = pipeline.settings.claimedEntropyPerBit
        return BoardHealth(
            name: settings.name, provenance: source.provenance, state: status.reportedState,
            recordedFrom: status.description?.recordedFrom?.name,
            windows: status.earlier.windows + ledger.windows,
            windowShots: HealthCutoffs.windowShots, healthEpoch: Int(ledger.healthEpoch),
            claimedEntropyPerBit: claim, monitoredShots: monitor.shots,
            crossLaneCorrelation: monitor.crossLaneCorrelation,
            crossLaneState: ledger.crossLane.report, trimState: TrimState(status.trim),
            untrimmableLanes: status.trim?.untrimmable ?? 0,
            trimLimits: status.trim.map {
                TrimLimits(lower: Int($0.limits.lowerBound), upper: Int($0.limits.upperBound))
            },
            cutoffs: HealthTest.cutoffs(claimedEntropyPerBit: claim, lanes: ledger.lanes).map {
                CutoffReport(test: $0.test.name, warning: $0.warning, failure: $0.failure)
            },
            laneCounts: ledger.counts.report,
            lanes: (0..<ledger.lanes).map { lane in
                LaneReport(
                    status, ledger, monitor, lane: lane,
                    resistance: status.telemetry?.resistanceOhms[lane])
            },
            alarms: status.alarms.map(AlarmReport.init))
    }
}

extension TrimState {
    fileprivate init(_ trim: TrimStatus?) {
        switch trim?.state {
        case nil: self = .off
        case .learning: self = .learning
        case .holding: self = .holding
        }
    }
}

extension LaneReport {
    fileprivate init(
        _ status: PipelineStatus, _ ledger: LaneLedger, _ monitor: LaneMonitor, lane: Int, resistance: Float?
    ) {
        let measured = status.horizon?.measurement(lane: lane)
        self.init(
            lane: lane, state: ledger.states[lane].report, p: monitor.ones(lane: lane),
            lagOne: monitor.lagOne(lane: lane), crossLane: monitor.crossLane(lane: lane),
            measuredEntropyPerBit: measured?.entropyPerBit, bestPredictor: measured.map { Predictor($0.predictor) },
            trim: Int(status.trim?.trims[lane] ?? 0), trimState: TrimState(status.trim?.lanes[lane]),
            resistanceOhms: resistance.map(Double.init),
            alarms: HealthTest.allCases.compactMap { test in
                let count = ledger.alarms(of: test)[lane] + status.earlier.alarms(of: test, lane: lane)
                return count == 0 ? nil : AlarmCount(test: test.name, count: count)
            })
    }
}

extension LaneReport.Predictor {
    fileprivate init(_ predictor: LongHorizon.Predictor) {
        switch predictor {
        case .constant: self = .constant
        case .previousShot: self = .previousShot
        case .earlierShot: self = .earlierShot
        case .otherLane: self = .otherLane
        }
    }
}

extension LaneReport.TrimState {
    fileprivate init(_ state: TrimmedLaneState?) {
        switch state {
        case nil: self = .off
        case .held: self = .held
        case .searching: self = .searching
        case .untrimmable: self = .untrimmable
        }
    }
}

extension LaneState {
    fileprivate var report: LaneReport.State {
        switch self {
        case .starting: .starting
        case .good: .good
        case .warned: .warned
        case .failed: .failed
        case .leased: .leased
        }
    }
}

extension AlarmReport {
    init(_ alarm: TimedAlarm) {
        self.init(
            time: alarm.time, lane: alarm.alarm.lane, test: alarm.alarm.test.name,
            severity: alarm.alarm.severity == .failure ? .failure : .warning,
            shot: (alarm.window + 1) * HealthCutoffs.windowShots - 1,
            measuredEntropyPerBit: alarm.measuredEntropyPerBit)
    }
}

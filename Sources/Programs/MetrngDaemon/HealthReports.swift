// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import ControlInterface
import DaemonConfiguration
import EntropyPipeline
import EntropyRing
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
            name: settings.name, provenance: source.provenance.report, windows: ledger.windows,
            windowShots: HealthCutoffs.windowShots, healthEpoch: Int(ledger.healthEpoch),
            claimedEntropyPerBit: claim, monitoredShots: monitor.shots,
            crossLaneCorrelation: monitor.crossLaneCorrelation,
            crossLaneState: ledger.crossLane.report, trimState: TrimState(status.trim),
            untrimmableLanes: status.trim?.untrimmable ?? 0,
            cutoffs: CutoffReport(claimedEntropyPerBit: claim, lanes: ledger.lanes),
            laneCounts: ledger.counts.report,
            lanes: (0..<ledger.lanes).map { lane in
                LaneReport(
                    ledger, monitor, lane: lane, trim: status.trim?.trims[lane],
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
        _ ledger: LaneLedger, _ monitor: LaneMonitor, lane: Int, trim: Int16?, resistance: Float?
    ) {
        self.init(
            lane: lane, state: ledger.states[lane].report, p: monitor.ones(lane: lane),
            lagOne: monitor.lagOne(lane: lane), crossLane: monitor.crossLane(lane: lane),
            trim: Int(trim ?? 0), resistanceOhms: resistance.map(Double.init),
            repetitionCountAlarms: ledger.alarms(of: .repetitionCount)[lane],
            adaptiveProportionAlarms: ledger.alarms(of: .adaptiveProportion)[lane],
            resistanceAlarms: ledger.alarms(of: .resistance)[lane])
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

extension CutoffReport {
    fileprivate init(claimedEntropyPerBit claim: Double, lanes: Int) {
        let cutoffs = HealthCutoffs(claimedEntropyPerBit: claim)
        let crossLane = CrossLaneTest(claimedEntropyPerBit: claim).cutoffs(lanes: lanes)
        self.init(
            repetitionCountWarning: cutoffs.repetitionCountWarning,
            repetitionCountFailure: cutoffs.repetitionCountFailure,
            adaptiveProportionWarning: cutoffs.adaptiveProportionWarning,
            adaptiveProportionFailure: cutoffs.adaptiveProportionFailure,
            crossLaneWarning: crossLane.warning, crossLaneFailure: crossLane.failure)
    }
}

extension AlarmReport {
    init(_ alarm: TimedAlarm) {
        self.init(
            time: alarm.time, lane: alarm.alarm.lane, test: alarm.alarm.test.name,
            severity: alarm.alarm.severity == .failure ? .failure : .warning,
            shot: (alarm.alarm.window + 1) * HealthCutoffs.windowShots - 1)
    }
}

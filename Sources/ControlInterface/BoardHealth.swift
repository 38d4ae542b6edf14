// SPDX-License-Identifier: Apache-2.0

/// The health of every lane of a board.
package struct BoardHealth: Codable, Sendable, Equatable {
    package var name: String
    package var provenance: ReportedProvenance
    /// How many were judged.
    package var windows: Int
    package var windowShots: Int
    package var healthEpoch: Int
    package var claimedEntropyPerBit: Double
    package var cutoffs: CutoffReport
    package var laneCounts: LaneCounts
    package var lanes: [LaneReport]
    package var alarms: [AlarmReport]

    package init(
        name: String, provenance: ReportedProvenance, windows: Int, windowShots: Int,
        healthEpoch: Int, claimedEntropyPerBit: Double, cutoffs: CutoffReport,
        laneCounts: LaneCounts, lanes: [LaneReport], alarms: [AlarmReport]
    ) {
        self.name = name
        self.provenance = provenance
        self.windows = windows
        self.windowShots = windowShots
        self.healthEpoch = healthEpoch
        self.claimedEntropyPerBit = claimedEntropyPerBit
        self.cutoffs = cutoffs
        self.laneCounts = laneCounts
        self.lanes = lanes
        self.alarms = alarms
    }
}

/// One lane.
package struct LaneReport: Codable, Sendable, Equatable {
    package enum State: String, Codable, Sendable, CaseIterable {
        /// In the start-up test; gives no bits yet.
        case starting
        case good
        /// A test was near its failing cut-off; gives bits.
        case warned
        /// Masked out.
        case failed
    }

    package var lane: Int
    package var state: State
    /// The fraction of ones over all judged windows.
    package var p: Double
    /// Of both severities.
    package var repetitionCountAlarms: Int
    /// Of both severities.
    package var adaptiveProportionAlarms: Int

    package init(
        lane: Int, state: State, p: Double, repetitionCountAlarms: Int,
        adaptiveProportionAlarms: Int
    ) {
        self.lane = lane
        self.state = state
        self.p = p
        self.repetitionCountAlarms = repetitionCountAlarms
        self.adaptiveProportionAlarms = adaptiveProportionAlarms
    }
}

/// At how many samples of a kind a health test raises an alarm.
package struct CutoffReport: Codable, Sendable, Equatable {
    package var repetitionCountWarning: Int
    package var repetitionCountFailure: Int
    package var adaptiveProportionWarning: Int
    package var adaptiveProportionFailure: Int

    package init(
        repetitionCountWarning: Int, repetitionCountFailure: Int, adaptiveProportionWarning: Int,
        adaptiveProportionFailure: Int
    ) {
        self.repetitionCountWarning = repetitionCountWarning
        self.repetitionCountFailure = repetitionCountFailure
        self.adaptiveProportionWarning = adaptiveProportionWarning
        self.adaptiveProportionFailure = adaptiveProportionFailure
    }
}

/// One finding of a health test.
package struct AlarmReport: Codable, Sendable, Equatable {
    package enum Severity: String, Codable, Sendable {
        /// The lane goes on giving bits.
        case warning
        /// The lane is masked out.
        case failure
    }

    /// In seconds since the Unix epoch.
    package var time: Double
    package var lane: Int
    /// `repetitionCount` or `adaptiveProportion`.
    package var test: String
    package var severity: Severity
    /// The index of the last shot of the window it was found in.
    package var shot: Int

    package init(
        time: Double, lane: Int, test: String, severity: Severity, shot: Int
    ) {
        self.time = time
        self.lane = lane
        self.test = test
        self.severity = severity
        self.shot = shot
    }
}

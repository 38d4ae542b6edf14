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
    /// How many shots the shares and correlations are of.
    package var monitoredShots: Int
    /// The mean correlation between two lanes; nil before the first window.
    @Nullable package var crossLaneCorrelation: Double?
    /// What the test across lanes says of all of them together.
    package var crossLaneState: LaneReport.State
    package var trimState: TrimState
    /// The number of lanes that no trim brings to 50 % ones.
    package var untrimmableLanes: Int
    package var cutoffs: CutoffReport
    package var laneCounts: LaneCounts
    package var lanes: [LaneReport]
    package var alarms: [AlarmReport]

    package init(
        name: String, provenance: ReportedProvenance, windows: Int, windowShots: Int,
        healthEpoch: Int, claimedEntropyPerBit: Double, monitoredShots: Int,
        crossLaneCorrelation: Double?, crossLaneState: LaneReport.State, trimState: TrimState,
        untrimmableLanes: Int, cutoffs: CutoffReport, laneCounts: LaneCounts, lanes: [LaneReport],
        alarms: [AlarmReport]
    ) {
        self.name = name
        self.provenance = provenance
        self.windows = windows
        self.windowShots = windowShots
        self.healthEpoch = healthEpoch
        self.claimedEntropyPerBit = claimedEntropyPerBit
        self.monitoredShots = monitoredShots
        self.crossLaneCorrelation = crossLaneCorrelation
        self.crossLaneState = crossLaneState
        self.trimState = trimState
        self.untrimmableLanes = untrimmableLanes
        self.cutoffs = cutoffs
        self.laneCounts = laneCounts
        self.lanes = lanes
        self.alarms = alarms
    }
}

/// The state of the loop that holds every lane at 50 % ones.
package enum TrimState: String, Codable, Sendable, CaseIterable {
    /// Lanes are not trimmed.
    case off
    /// It finds out what the trims do; nothing is served yet.
    case learning
    case holding
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
    /// The share of ones, over the monitored shots.
    package var p: Double
    /// The correlation with the shot before.
    package var lagOne: Double
    /// The correlation with the majority of the lanes.
    package var crossLane: Double
    /// In steps of the board; 0 when lanes are not trimmed.
    package var trim: Int
    /// Resistance of the device in Ω; nil when the board does not measure it.
    @Nullable package var resistanceOhms: Double?
    /// Alarms of both severities.
    package var repetitionCountAlarms: Int
    /// Alarms of both severities.
    package var adaptiveProportionAlarms: Int
    /// Alarms of both severities.
    package var resistanceAlarms: Int

    package init(
        lane: Int, state: State, p: Double, lagOne: Double, crossLane: Double, trim: Int,
        resistanceOhms: Double?, repetitionCountAlarms: Int, adaptiveProportionAlarms: Int,
        resistanceAlarms: Int
    ) {
        self.lane = lane
        self.state = state
        self.p = p
        self.lagOne = lagOne
        self.crossLane = crossLane
        self.trim = trim
        self.resistanceOhms = resistanceOhms
        self.repetitionCountAlarms = repetitionCountAlarms
        self.adaptiveProportionAlarms = adaptiveProportionAlarms
        self.resistanceAlarms = resistanceAlarms
    }
}

/// At how many samples of a kind a health test raises an alarm, and at which variance ratio the test
/// across all lanes does.
package struct CutoffReport: Codable, Sendable, Equatable {
    package var repetitionCountWarning: Int
    package var repetitionCountFailure: Int
    package var adaptiveProportionWarning: Int
    package var adaptiveProportionFailure: Int
    package var crossLaneWarning: Double
    package var crossLaneFailure: Double

    package init(
        repetitionCountWarning: Int, repetitionCountFailure: Int, adaptiveProportionWarning: Int,
        adaptiveProportionFailure: Int, crossLaneWarning: Double, crossLaneFailure: Double
    ) {
        self.repetitionCountWarning = repetitionCountWarning
        self.repetitionCountFailure = repetitionCountFailure
        self.adaptiveProportionWarning = adaptiveProportionWarning
        self.adaptiveProportionFailure = adaptiveProportionFailure
        self.crossLaneWarning = crossLaneWarning
        self.crossLaneFailure = crossLaneFailure
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
    /// Nil for a test of the whole array.
    @Nullable package var lane: Int?
    /// `repetitionCount`, `adaptiveProportion`, `resistance` or `crossLane`.
    package var test: String
    package var severity: Severity
    /// The index of the last shot of the window it was found in.
    package var shot: Int

    package init(
        time: Double, lane: Int?, test: String, severity: Severity, shot: Int
    ) {
        self.time = time
        self.lane = lane
        self.test = test
        self.severity = severity
        self.shot = shot
    }
}

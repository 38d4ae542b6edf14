// SPDX-License-Identifier: Apache-2.0

package import BoardProtocol
package import EntropyTerms

/// The health of every lane of a board.
package struct BoardHealth: Codable, Sendable, Equatable {
    package var name: String
    @ByName package var provenance: Provenance
    package var state: BoardState
    /// The provenance that the bits of a replayed recording had when they were recorded, by name; nil for other boards.
    @Nullable package var recordedFrom: String?
    /// The number of windows that were judged.
    package var windows: Int
    package var windowShots: Int
    package var healthEpoch: Int
    package var claimedEntropyPerBit: Double
    /// The number of shots from which shares and correlations were computed.
    package var monitoredShots: Int
    /// The mean correlation between two lanes; nil before the first window.
    @Nullable package var crossLaneCorrelation: Double?
    /// The state of the whole array in the test across lanes.
    package var crossLaneState: LaneReport.State
    package var trimState: TrimState
    /// The number of lanes that no trim brings to 50 % ones.
    package var untrimmableLanes: Int
    /// The limits of a trim, in steps of the board; nil when lanes are not trimmed.
    @Nullable package var trimLimits: TrimLimits?
    package var cutoffs: [CutoffReport]
    package var laneCounts: LaneCounts
    package var lanes: [LaneReport]
    package var alarms: [AlarmReport]

    package init(
        name: String, provenance: Provenance, state: BoardState, recordedFrom: String?, windows: Int, windowShots: Int,
        healthEpoch: Int, claimedEntropyPerBit: Double, monitoredShots: Int,
        crossLaneCorrelation: Double?, crossLaneState: LaneReport.State, trimState: TrimState,
        untrimmableLanes: Int, trimLimits: TrimLimits?, cutoffs: [CutoffReport], laneCounts: LaneCounts,
        lanes: [LaneReport],
        alarms: [AlarmReport]
    ) {
        self.name = name
        self.provenance = provenance
        self.state = state
        self.recordedFrom = recordedFrom
        self.windows = windows
        self.windowShots = windowShots
        self.healthEpoch = healthEpoch
        self.claimedEntropyPerBit = claimedEntropyPerBit
        self.monitoredShots = monitoredShots
        self.crossLaneCorrelation = crossLaneCorrelation
        self.crossLaneState = crossLaneState
        self.trimState = trimState
        self.untrimmableLanes = untrimmableLanes
        self.trimLimits = trimLimits
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
    /// The loop learns what the trims do; nothing is served yet.
    case learning
    case holding
}

/// The limits of a trim, both of which can be set.
package struct TrimLimits: Codable, Sendable, Equatable {
    package var lower: Int
    package var upper: Int

    package init(lower: Int, upper: Int) {
        self.lower = lower
        self.upper = upper
    }
}

/// One lane.
package struct LaneReport: Codable, Sendable, Equatable {
    package enum State: String, Codable, Sendable, CaseIterable {
        /// In the start-up test; gives no bits yet.
        case starting
        case good
        /// A test came near its failing cut-off; gives bits.
        case warned
        /// Masked out.
        case failed
        /// A client has it for itself; gives no bits.
        case leased
    }

    package enum TrimState: String, Codable, Sendable, CaseIterable {
        /// Lanes are not trimmed.
        case off
        case held
        /// The trim that gives 50 % ones is not known yet, or not any more.
        case searching
        /// No trim gives 50 % ones.
        case untrimmable
    }

    /// What tells a lane's bit, or its complement.
    package enum Predictor: String, Codable, Sendable, CaseIterable {
        /// Always the same value.
        case constant
        case previousShot
        /// One of the shots 2 ... 64 before.
        case earlierShot
        case otherLane
    }

    package var lane: Int
    package var state: State
    /// The share of ones, over the monitored shots.
    package var p: Double
    /// The correlation with the previous shot.
    package var lagOne: Double
    /// The correlation with the majority of the lanes.
    package var crossLane: Double
    /// The min-entropy per bit that the last whole period of 65,536 shots supports, by the predictor that told them
    /// best; nil before.
    @Nullable package var measuredEntropyPerBit: Double?
    /// Nil as above.
    @Nullable package var bestPredictor: Predictor?
    /// The trim in steps of the board; 0 when lanes are not trimmed.
    package var trim: Int
    package var trimState: TrimState
    /// Resistance of the device in Ω; nil when the board does not measure it.
    @Nullable package var resistanceOhms: Double?
    /// The tests that decided about the lane in any window.
    package var alarms: [AlarmCount]

    package init(
        lane: Int, state: State, p: Double, lagOne: Double, crossLane: Double,
        measuredEntropyPerBit: Double?, bestPredictor: Predictor?, trim: Int, trimState: TrimState,
        resistanceOhms: Double?, alarms: [AlarmCount]
    ) {
        self.lane = lane
        self.state = state
        self.p = p
        self.lagOne = lagOne
        self.crossLane = crossLane
        self.measuredEntropyPerBit = measuredEntropyPerBit
        self.bestPredictor = bestPredictor
        self.trim = trim
        self.trimState = trimState
        self.resistanceOhms = resistanceOhms
        self.alarms = alarms
    }
}

/// In how many windows a health test decided about a lane, at either severity.
package struct AlarmCount: Codable, Sendable, Equatable {
    package var test: String
    package var count: Int

    package init(test: String, count: Int) {
        self.test = test
        self.count = count
    }
}

/// The cut-offs of a health test: numbers of samples, and variance ratios for the test across lanes.
package struct CutoffReport: Codable, Sendable, Equatable {
    package var test: String
    package var warning: Double
    package var failure: Double

    package init(test: String, warning: Double, failure: Double) {
        self.test = test
        self.warning = warning
        self.failure = failure
    }
}

/// One finding of a health test.
package struct AlarmReport: Codable, Sendable, Equatable {
    package enum Severity: String, Codable, Sendable {
        /// The lane continues to give bits, but for the long test: then it starts anew.
        case warning
        /// The lane is masked out.
        case failure
    }

    /// Seconds since the Unix epoch.
    package var time: Double
    /// Nil for a test of the whole array.
    @Nullable package var lane: Int?
    /// The name of a health test, as `repetitionCount`.
    package var test: String
    package var severity: Severity
    /// The index of the last shot of the window in which it was found.
    package var shot: Int
    /// What the test measured, in bits of min-entropy per bit; nil for tests that measure nothing of the kind.
    @Nullable package var measuredEntropyPerBit: Double?

    package init(
        time: Double, lane: Int?, test: String, severity: Severity, shot: Int, measuredEntropyPerBit: Double?
    ) {
        self.time = time
        self.lane = lane
        self.test = test
        self.severity = severity
        self.shot = shot
        self.measuredEntropyPerBit = measuredEntropyPerBit
    }
}

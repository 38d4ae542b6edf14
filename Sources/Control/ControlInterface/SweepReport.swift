// SPDX-License-Identifier: Apache-2.0

package import BoardProtocol

/// What was measured at one operating point, over all lanes. The bias field is not said: a sweep does not change it.
package struct SweepPointReport: Codable, Sendable, Equatable {
    package var amplitudeMillivolts: Double
    package var pulseWidthPicoseconds: Double
    /// The share of shots in which a device changed its state.
    package var switching: Double
    /// The share of ones.
    package var ones: Double
    /// RMS over the lanes of the share of ones less ½.
    package var deviation: Double
    /// Mean over the lanes of the correlation with the bit before.
    package var lagOne: Double

    package init(
        amplitudeMillivolts: Double, pulseWidthPicoseconds: Double, switching: Double, ones: Double,
        deviation: Double, lagOne: Double
    ) {
        self.amplitudeMillivolts = amplitudeMillivolts
        self.pulseWidthPicoseconds = pulseWidthPicoseconds
        self.switching = switching
        self.ones = ones
        self.deviation = deviation
        self.lagOne = lagOne
    }
}

/// The outcome of a sweep.
package struct SweepReport: Codable, Sendable, Equatable {
    package var name: String
    package var provenance: ReportedProvenance
    package var points: [SweepPointReport]
    /// Where the array is best driven; nil when no point is good enough.
    @Nullable package var proposal: OperatingPoint?
    package var reason: String

    package init(
        name: String, provenance: ReportedProvenance, points: [SweepPointReport],
        proposal: OperatingPoint?, reason: String
    ) {
        self.name = name
        self.provenance = provenance
        self.points = points
        self.proposal = proposal
        self.reason = reason
    }
}

/// Each reply to `Calibrate`.
package struct CalibrationProgress: Codable, Sendable, Equatable {
    package var pointsDone: Int
    package var pointsTotal: Int
    /// In the last reply only.
    @Nullable package var sweep: SweepReport?

    package init(pointsDone: Int, pointsTotal: Int, sweep: SweepReport?) {
        self.pointsDone = pointsDone
        self.pointsTotal = pointsTotal
        self.sweep = sweep
    }
}

/// Each reply to `Record`.
package struct RecordingProgress: Codable, Sendable, Equatable {
    package var shotsDone: Int
    package var shotsTotal: Int
    package var bytes: Int

    package init(shotsDone: Int, shotsTotal: Int, bytes: Int) {
        self.shotsDone = shotsDone
        self.shotsTotal = shotsTotal
        self.bytes = bytes
    }
}

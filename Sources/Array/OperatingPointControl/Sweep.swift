// SPDX-License-Identifier: Apache-2.0

package import BoardProtocol

/// Operating points to measure, one after another.
package struct SweepPlan: Sendable, Equatable {
    /// In the order in which they are measured: all widths of the first amplitude first.
    package let points: [OperatingPoint]
    /// The number of windows of shots for which each point is measured.
    package let windowsPerPoint: Int

    /// - Parameters:
    ///   - amplitudes: in mV; not empty.
    ///   - widths: in ps; not empty.
    ///   - biasField: in µT, for all points.
    ///   - windowsPerPoint: at least 1.
    package init(amplitudes: [Double], widths: [Double], biasField: Double, windowsPerPoint: Int) {
        precondition(windowsPerPoint >= 1)
        self.windowsPerPoint = windowsPerPoint
        points = amplitudes.flatMap { amplitude in
            widths.map {
                OperatingPoint(
                    amplitudeMillivolts: amplitude, pulseWidthPicoseconds: $0,
                    biasFieldMicrotesla: biasField)
            }
        }
    }
}

/// The lanes as they were measured at one operating point of a sweep.
///
/// The bias field is not a part of it: a sweep does not change it.
package struct SweepPoint: Codable, Sendable, Equatable {
    package var amplitudeMillivolts: Double
    package var pulseWidthPicoseconds: Double
    /// The share of shots in which a device changed its state: the P of the literature.
    package var switching: Double
    /// The share of ones among the bits of the lanes.
    package var ones: Double
    /// RMS over the lanes of the share of ones less ½.
    package var deviation: Double
    /// Mean over the lanes of the correlation of a bit with that of the previous shot.
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

    /// - Parameters:
    ///   - lanes: for each lane its share of ones, and the share of shots whose bit differs from the
    ///     previous one.
    ///   - encoding: what a bit says.
    package init(
        point: OperatingPoint, lanes: [(ones: Double, changes: Double)], encoding: LaneEncoding
    ) {
        let count = Double(lanes.count)
        func mean(_ value: ((ones: Double, changes: Double)) -> Double) -> Double {
            lanes.reduce(0) { $0 + value($1) } / count
        }
        let ones = mean { $0.ones }
        self.init(
            amplitudeMillivolts: point.amplitudeMillivolts,
            pulseWidthPicoseconds: point.pulseWidthPicoseconds,
            switching: encoding == .toggles ? ones : mean { $0.changes }, ones: ones,
            deviation: mean { ($0.ones - 0.5) * ($0.ones - 0.5) }.squareRoot(),
            lagOne: mean { lane in
                let variance = lane.ones * (1 - lane.ones)
                return variance > 0 ? 1 - lane.changes / (2 * variance) : 0
            })
    }

    func operatingPoint(biasField: Double) -> OperatingPoint {
        OperatingPoint(
            amplitudeMillivolts: amplitudeMillivolts, pulseWidthPicoseconds: pulseWidthPicoseconds,
            biasFieldMicrotesla: biasField)
    }
}

/// The outcome of a sweep.
package struct Sweep: Codable, Sendable, Equatable {
    package var points: [SweepPoint]
    /// The best operating point of the array; nil when no point is good enough.
    @Nullable package var proposal: OperatingPoint?
    /// Why that point is proposed and how sure it is, or why none is.
    package var reason: String
    /// The number of lanes that trims could hold at 50 % ones at the proposal; nil without one.
    @Nullable package var holdableLanes: Int?

    package init(
        points: [SweepPoint], proposal: OperatingPoint?, reason: String, holdableLanes: Int? = nil
    ) {
        self.points = points
        self.proposal = proposal
        self.reason = reason
        self.holdableLanes = holdableLanes
    }
}

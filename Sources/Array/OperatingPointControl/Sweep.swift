// SPDX-License-Identifier: Apache-2.0

package import BoardProtocol

/// Operating points to measure, one after another.
package struct SweepPlan: Sendable, Equatable {
    /// In the order in which they are measured: all widths of the first amplitude first.
    package let points: [OperatingPoint]
    /// How many shots each point is measured for, a whole number of windows.
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

/// What was measured at one operating point, over all lanes.
package struct SweepPoint: Sendable, Equatable {
    package let point: OperatingPoint
    /// The share of shots in which a device changed its state: the P of the literature.
    package let switching: Double
    /// The share of ones among the bits of the lanes.
    package let ones: Double
    /// RMS over the lanes of the share of ones less ½.
    package let deviation: Double
    /// Mean over the lanes of the correlation of a bit with that of the shot before.
    package let lagOne: Double

    /// - Parameters:
    ///   - lanes: for each lane its share of ones, and the share of shots whose bit differs from the
    ///     bit before.
    ///   - encoding: what a bit says.
    package init(
        point: OperatingPoint, lanes: [(ones: Double, changes: Double)], encoding: LaneEncoding
    ) {
        let count = Double(lanes.count)
        func mean(_ value: ((ones: Double, changes: Double)) -> Double) -> Double {
            lanes.reduce(0) { $0 + value($1) } / count
        }
        self.point = point
        ones = mean { $0.ones }
        switching = encoding == .toggles ? ones : mean { $0.changes }
        deviation = mean { ($0.ones - 0.5) * ($0.ones - 0.5) }.squareRoot()
        lagOne = mean { lane in
            let variance = lane.ones * (1 - lane.ones)
            return variance > 0 ? 1 - lane.changes / (2 * variance) : 0
        }
    }
}

/// The outcome of a sweep.
package struct Sweep: Sendable, Equatable {
    package let points: [SweepPoint]
    /// Where the array is best driven, and why; nil when no point is good enough.
    package let proposal: OperatingPoint?
    package let reason: String

    /// How far the lanes of a point may be from ½, as an RMS, for it to be proposed: as far as trims can correct.
    private static let usableDeviation = 0.15
    /// How strongly bits may hang on the bit before.
    private static let usableLagOne = 0.02

    /// - Parameter points: in the order of the plan.
    package init(points: [SweepPoint], encoding: LaneEncoding) {
        self.points = points
        let curves = Dictionary(grouping: points, by: \.point.amplitudeMillivolts)
            .sorted { $0.key < $1.key }
            .map {
                $0.value.sorted { $0.point.pulseWidthPicoseconds < $1.point.pulseWidthPicoseconds }
            }
        let candidates =
            switch encoding {
            case .toggles: Self.crossings(of: curves)
            case .states: curves.compactMap(Self.settling)
            }
        // The shortest pulse is the fastest, and costs the least energy.
        let best = candidates.min {
            ($0.point.pulseWidthPicoseconds, $0.deviation)
                < ($1.point.pulseWidthPicoseconds, $1.deviation)
        }
        proposal = best?.point
        reason = best?.reason ?? Self.noReason
    }

    private init(points: [SweepPoint], proposal: OperatingPoint?, reason: String) {
        self.points = points
        self.proposal = proposal
        self.reason = reason
    }

    /// The proposal when it lies between points that were measured: where the curve bends in between,
    /// as over a whole period of the precession, it may be anything.
    package var unmeasuredProposal: OperatingPoint? {
        proposal.flatMap { proposal in
            points.contains { $0.point == proposal } ? nil : proposal
        }
    }

    /// The sweep once its proposal was measured: it is kept only if the lanes can be held there.
    package func checked(by measured: SweepPoint) -> Sweep {
        if Self.isUsable(measured) { return self }
        let nearest = Self.nearest(of: points)
        return Sweep(
            points: points, proposal: nearest?.point, reason: nearest?.reason ?? Self.noReason)
    }

    private static let noReason =
        "at no measured point are the bits both near 50 % ones and independent of the previous shot;"
        + " try other widths or amplitudes"

    private struct Candidate {
        let point: OperatingPoint
        let deviation: Double
        let reason: String
    }

    private static func isUsable(_ point: SweepPoint) -> Bool {
        point.deviation <= usableDeviation && abs(point.lagOne) <= usableLagOne
    }

    /// Where the curves cross ½; where they come near it, if none does.
    private static func crossings(of curves: [[SweepPoint]]) -> [Candidate] {
        let crossings = curves.compactMap(firstCrossing)
        return crossings.isEmpty ? curves.compactMap(nearest) : crossings
    }

    /// The shortest pulse at which the mean of the lanes crosses ½, by straight interpolation between two
    /// widths of one amplitude.
    private static func firstCrossing(of curve: [SweepPoint]) -> Candidate? {
        for (before, after) in zip(curve, curve.dropFirst())
        where (before.ones - 0.5) * (after.ones - 0.5) < 0 {
            let nearer = abs(before.ones - 0.5) < abs(after.ones - 0.5) ? before : after
            guard isUsable(nearer) else { continue }
            let part = (0.5 - before.ones) / (after.ones - before.ones)
            var point = before.point
            point.pulseWidthPicoseconds +=
                part * (after.point.pulseWidthPicoseconds - before.point.pulseWidthPicoseconds)
            return Candidate(
                point: point, deviation: nearer.deviation,
                reason: "the shortest pulse with 50 % ones")
        }
        return nil
    }

    /// The point at which the lanes are nearest to ½.
    private static func nearest(of curve: [SweepPoint]) -> Candidate? {
        curve.filter(isUsable).min { $0.deviation < $1.deviation }.map {
            Candidate(
                point: $0.point, deviation: $0.deviation,
                reason: "the point at which the lanes are nearest to 50 % ones")
        }
    }

    /// The shortest pulse from which on, at all longer ones as well, a shot forgets the state before.
    private static func settling(of curve: [SweepPoint]) -> Candidate? {
        let settled = curve.reversed().prefix(while: isUsable)
        return settled.last.map {
            Candidate(
                point: $0.point, deviation: $0.deviation,
                reason: "the shortest pulse from which on shots do not depend on the previous state"
            )
        }
    }
}

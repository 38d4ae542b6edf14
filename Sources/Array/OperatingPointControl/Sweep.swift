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
    /// Why that point is proposed, or why none is.
    package var reason: String

    /// The greatest RMS distance of the lanes from ½ at a point that is proposed: what trims can correct.
    private static let usableDeviation = 0.15
    /// The greatest correlation of bits with the previous shot at a point that is proposed.
    private static let usableLagOne = 0.02

    package init(points: [SweepPoint], proposal: OperatingPoint?, reason: String) {
        self.points = points
        self.proposal = proposal
        self.reason = reason
    }

    /// Finds the operating point to propose.
    ///
    /// - Parameters:
    ///   - points: in the order of the plan.
    ///   - biasField: of all points, in µT.
    ///   - encoding: what a bit says.
    package init(points: [SweepPoint], biasField: Double, encoding: LaneEncoding) {
        let curves = Dictionary(grouping: points, by: \.amplitudeMillivolts)
            .sorted { $0.key < $1.key }
            .map { $0.value.sorted { $0.pulseWidthPicoseconds < $1.pulseWidthPicoseconds } }
        let candidates =
            switch encoding {
            case .toggles: Self.crossings(of: curves, biasField)
            case .states: curves.compactMap { Self.settling(of: $0, biasField) }
            }
        // The shortest pulse is the fastest, and costs the least energy.
        let best = candidates.min {
            ($0.point.pulseWidthPicoseconds, $0.deviation)
                < ($1.point.pulseWidthPicoseconds, $1.deviation)
        }
        self.init(points: points, best)
    }

    private init(points: [SweepPoint], _ candidate: Candidate?) {
        self.init(
            points: points, proposal: candidate?.point, reason: candidate?.reason ?? Self.noReason)
    }

    /// The proposal when it lies between points that were measured: where the curve bends in between,
    /// as over a whole period of the precession, the lanes may do anything there.
    package var unmeasuredProposal: OperatingPoint? {
        proposal.flatMap { proposal in
            points.contains {
                $0.operatingPoint(biasField: proposal.biasFieldMicrotesla) == proposal
            }
                ? nil : proposal
        }
    }

    /// The sweep once its proposal was measured: it is kept only if the lanes can be held there.
    package func checked(by measured: SweepPoint) -> Sweep {
        guard let proposal, !Self.isUsable(measured) else { return self }
        return Sweep(
            points: points, Self.nearest(of: points, proposal.biasFieldMicrotesla))
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

    /// The points at which the curves cross ½, or at which they come near it if none crosses it.
    private static func crossings(
        of curves: [[SweepPoint]], _ biasField: Double
    ) -> [Candidate] {
        let crossings = curves.compactMap { firstCrossing(of: $0, biasField) }
        return crossings.isEmpty ? curves.compactMap { nearest(of: $0, biasField) } : crossings
    }

    /// The shortest pulse at which the mean of the lanes crosses ½, by straight interpolation between two
    /// widths of one amplitude.
    private static func firstCrossing(
        of curve: [SweepPoint], _ biasField: Double
    ) -> Candidate? {
        for (before, after) in zip(curve, curve.dropFirst())
        where (before.ones - 0.5) * (after.ones - 0.5) < 0 {
            let nearer = abs(before.ones - 0.5) < abs(after.ones - 0.5) ? before : after
            guard isUsable(nearer) else { continue }
            let part = (0.5 - before.ones) / (after.ones - before.ones)
            var point = before.operatingPoint(biasField: biasField)
            point.pulseWidthPicoseconds +=
                part * (after.pulseWidthPicoseconds - before.pulseWidthPicoseconds)
            return Candidate(
                point: point, deviation: nearer.deviation,
                reason: "the shortest pulse with 50 % ones")
        }
        return nil
    }

    /// The point at which the lanes are nearest to ½.
    private static func nearest(of curve: [SweepPoint], _ biasField: Double) -> Candidate? {
        curve.filter(isUsable).min { $0.deviation < $1.deviation }.map {
            Candidate(
                point: $0.operatingPoint(biasField: biasField), deviation: $0.deviation,
                reason: "the point at which the lanes are nearest to 50 % ones")
        }
    }

    /// The shortest pulse from which on, at all longer ones as well, a bit is independent of the previous shot.
    private static func settling(of curve: [SweepPoint], _ biasField: Double) -> Candidate? {
        let settled = curve.reversed().prefix(while: isUsable)
        return settled.last.map {
            Candidate(
                point: $0.operatingPoint(biasField: biasField), deviation: $0.deviation,
                reason: "the shortest pulse from which on shots do not depend on the previous state"
            )
        }
    }
}

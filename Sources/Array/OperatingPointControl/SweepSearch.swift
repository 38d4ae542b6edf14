// SPDX-License-Identifier: Apache-2.0

package import BoardProtocol

/// A sweep under way: which point is measured next, and what is proposed in the end.
///
/// The points of the plan come first. Between two of them on either side of ½ the crossing is then narrowed down, and
/// at each place that may be proposed the lanes are measured at trims over the whole range, to count those that
/// could be held there. The shortest pulse at which nearly all lanes can be held is proposed: it is the fastest,
/// and costs the least energy. Where there is none, the place at which most can be.
///
/// A value without effects: measured lanes in, points out.
package struct SweepSearch: Sendable {
    /// What is measured next.
    package struct Request: Sendable, Equatable {
        package let point: OperatingPoint
        /// The trim of all lanes, from −1 for the lower limit to 1 for the upper one.
        package let trim: Double

        package init(point: OperatingPoint, trim: Double) {
            self.point = point
            self.trim = trim
        }
    }

    package typealias Lanes = [(ones: Double, changes: Double)]

    /// A place that may be proposed, and why.
    private struct Prospect: Sendable {
        /// On either side of ½, or twice the same point.
        var ends: (SweepPoint, SweepPoint)
        var reason: String

        /// Where ½ is by straight interpolation.
        var crossing: Double {
            let difference = ends.1.ones - ends.0.ones
            return difference == 0 ? 0 : (0.5 - ends.0.ones) / difference
        }

        func point(at part: Double, biasField: Double) -> OperatingPoint {
            func between(_ value: KeyPath<SweepPoint, Double>) -> Double {
                ends.0[keyPath: value] + part * (ends.1[keyPath: value] - ends.0[keyPath: value])
            }
            return OperatingPoint(
                amplitudeMillivolts: between(\.amplitudeMillivolts),
                pulseWidthPicoseconds: between(\.pulseWidthPicoseconds), biasFieldMicrotesla: biasField)
        }
    }

    /// A prospect that was measured at all trims.
    private struct Candidate: Sendable {
        let point: OperatingPoint
        let reason: String
        let holdable: Int
        let lanes: Int

        var isEnough: Bool { Double(holdable) >= SweepSearch.enough * Double(lanes) }
    }

    private enum Stage: Sendable {
        case planned
        case narrowing(Prospect, rounds: Int)
        /// Each lane's shares of ones at the trims so far.
        case trimming(Prospect, OperatingPoint, lowest: [Double], highest: [Double], done: Int)
        case finished
    }

    /// The greatest RMS distance of the lanes from ½ where no crossing was measured.
    private static let usableDeviation = 0.15
    /// The greatest correlation of bits with the previous shot at a point that is proposed.
    private static let usableLagOne = 0.02
    /// A mean share of ones this near to ½ is the crossing.
    private static let close = 0.01
    private static let narrowingRounds = 8
    /// States are narrowed down to this part of the pulse width.
    private static let settledWidth = 0.05
    private static let trims = [0, -1, -0.5, 0.5, 1]
    /// Without trims, a lane this near to ½ counts as one that is held.
    private static let heldDeviation = 0.03
    /// The part of the lanes with which the search ends, and without which nothing is proposed.
    private static let enough = 0.98
    private static let fewest = 0.5
    private static let prospectLimit = 12

    package private(set) var points: [SweepPoint] = []
    private let plan: SweepPlan
    private let encoding: LaneEncoding
    private let trims: [Double]
    private var stage = Stage.planned
    /// Those to be narrowed down.
    private var prospects: [Prospect] = []
    /// Those that are tried if no other holds enough lanes.
    private var laterProspects: [Prospect] = []
    /// Those that were narrowed down.
    private var places: [(prospect: Prospect, point: OperatingPoint)] = []
    private var candidates: [Candidate] = []
    private var request: Request?

    /// - Parameter isTrimmable: whether the lanes have trims.
    package init(plan: SweepPlan, encoding: LaneEncoding, isTrimmable: Bool) {
        self.plan = plan
        self.encoding = encoding
        trims = isTrimmable ? Self.trims : [0]
        request = plan.points.first.map { Request(point: $0, trim: 0) }
    }

    /// The measurement to make next; nil when the search has ended.
    package var next: Request? { request }

    /// Enters what was measured of `next`.
    package mutating func enter(_ lanes: Lanes) {
        guard let made = request else { preconditionFailure("the sweep has ended") }
        let measured = SweepPoint(point: made.point, lanes: lanes, encoding: encoding)
        switch stage {
        case .planned:
            points.append(measured)
            if points.count < plan.points.count {
                request = Request(point: plan.points[points.count], trim: 0)
            } else {
                findProspects()
                goOn()
            }
        case .narrowing(let prospect, let rounds):
            narrow(prospect, by: measured, lanes, rounds: rounds)
        case .trimming(let prospect, let point, let lowest, let highest, let done):
            enterTrimmed(
                lanes, measured, prospect, point, lowest: lowest, highest: highest, done: done)
        case .finished: preconditionFailure("the sweep has ended")
        }
    }

    /// The sweep with what is proposed, once `next` is nil.
    package var sweep: Sweep {
        guard let best = candidates.max(by: { $0.holdable < $1.holdable }) else {
            return Sweep(points: points, proposal: nil, reason: Self.noReason)
        }
        let held = "\(best.holdable) of \(best.lanes) lanes could be held there"
        guard Double(best.holdable) >= Self.fewest * Double(best.lanes) else {
            return Sweep(
                points: points, proposal: nil,
                reason: "at the best point found, only \(held); try other widths or amplitudes")
        }
        return Sweep(
            points: points, proposal: best.point, reason: "\(reason(for: best)); \(held)\(edge(best.point))",
            holdableLanes: best.holdable)
    }

    private func reason(for best: Candidate) -> String {
        if best.point == candidates.first?.point { return best.reason }
        return best.isEnough
            ? best.reason + " at which nearly all lanes can be held"
            : "of the points tried, the one at which most lanes can be held"
    }

    private static let noReason =
        "at no measured point are the bits both near 50 % ones and independent of the previous shot;"
        + " try other widths or amplitudes"

    /// How sure the amplitude is: one at the edge of those that were measured may not be the best.
    private func edge(_ point: OperatingPoint) -> String {
        let amplitudes = plan.points.map(\.amplitudeMillivolts)
        guard let least = amplitudes.min(), let most = amplitudes.max(), least < most,
            point.amplitudeMillivolts == least || point.amplitudeMillivolts == most
        else { return "" }
        return "; it has the \(point.amplitudeMillivolts == least ? "least" : "greatest") amplitude of the sweep,"
            + " and others beyond may be better"
    }

    // MARK: Prospects

    private var biasField: Double { plan.points.first?.biasFieldMicrotesla ?? 0 }

    /// The curves of one amplitude each; of one width, if there is only one.
    private var curves: [[SweepPoint]] {
        let byAmplitude = Dictionary(grouping: points, by: \.amplitudeMillivolts)
        if byAmplitude.values.allSatisfy({ $0.count == 1 }) {
            return [points.sorted { $0.amplitudeMillivolts < $1.amplitudeMillivolts }]
        }
        return byAmplitude.sorted { $0.key < $1.key }
            .map { $0.value.sorted { $0.pulseWidthPicoseconds < $1.pulseWidthPicoseconds } }
    }

    /// Each curve's first crossing comes before all later ones.
    private mutating func findProspects() {
        switch encoding {
        case .toggles:
            let crossings = curves.map(Self.crossings)
            prospects = Self.thinned(crossings.compactMap(\.first))
            laterProspects = Self.thinned(crossings.flatMap { $0.dropFirst() })
            if prospects.isEmpty { prospects = Self.thinned(curves.compactMap(Self.nearest)) }
        case .states: prospects = Self.thinned(curves.compactMap(Self.settling))
        }
    }

    private static func crossings(of curve: [SweepPoint]) -> [Prospect] {
        zip(curve, curve.dropFirst())
            .filter { ($0.ones - 0.5) * ($1.ones - 0.5) <= 0 && $0.ones != $1.ones }
            .map { Prospect(ends: ($0, $1), reason: "the shortest pulse with 50 % ones") }
    }

    /// The point at which the lanes are nearest to ½.
    private static func nearest(of curve: [SweepPoint]) -> Prospect? {
        curve.filter(isUsable).min { $0.deviation < $1.deviation }.map {
            Prospect(ends: ($0, $0), reason: "the point at which the lanes are nearest to 50 % ones")
        }
    }

    /// The shortest pulse from which on, at all longer ones as well, a bit is independent of the previous shot.
    private static func settling(of curve: [SweepPoint]) -> Prospect? {
        let settled = curve.reversed().prefix(while: isUsable)
        guard let last = settled.last else { return nil }
        let before = curve.dropLast(settled.count).last
        let gap = last.pulseWidthPicoseconds - (before ?? last).pulseWidthPicoseconds
        let reason = "the shortest pulse from which on shots do not depend on the previous state"
        guard let before, gap > settledWidth * last.pulseWidthPicoseconds else {
            let doubt = before == nil ? ", and the shortest of the sweep" : ""
            return Prospect(ends: (last, last), reason: reason + doubt)
        }
        return Prospect(ends: (before, last), reason: reason)
    }

    private static func isUsable(_ point: SweepPoint) -> Bool {
        point.deviation <= usableDeviation && abs(point.lagOne) <= usableLagOne
    }

    /// As many as are tried, from all over the sweep.
    private static func thinned(_ prospects: [Prospect]) -> [Prospect] {
        guard prospects.count > prospectLimit else { return prospects }
        return (0..<prospectLimit).map { prospects[$0 * (prospects.count - 1) / (prospectLimit - 1)] }
    }

    /// Narrows all prospects down, and then tries trims at the shortest pulse first, until enough lanes can be held.
    private mutating func goOn() {
        if let prospect = prospects.popLast() {
            guard prospect.ends.0 == prospect.ends.1 else { return measureBetween(prospect, rounds: 0) }
            keep(prospect, at: prospect.point(at: 0, biasField: biasField))
        } else if !(candidates.last?.isEnough ?? false), !places.isEmpty {
            let shortest = places.indices.min {
                let (first, second) = (places[$0].point, places[$1].point)
                return (first.pulseWidthPicoseconds, first.amplitudeMillivolts)
                    < (second.pulseWidthPicoseconds, second.amplitudeMillivolts)
            }
            let place = places.remove(at: shortest ?? 0)
            beginTrims(place.prospect, at: place.point)
        } else if !(candidates.last?.isEnough ?? false), !laterProspects.isEmpty {
            prospects = laterProspects
            laterProspects = []
            goOn()
        } else {
            request = nil
            stage = .finished
        }
    }

    private mutating func keep(_ prospect: Prospect, at point: OperatingPoint) {
        places.append((prospect, point))
        goOn()
    }

    // MARK: Narrowing

    private mutating func measureBetween(_ prospect: Prospect, rounds: Int) {
        stage = .narrowing(prospect, rounds: rounds)
        // Interpolation may come near from one side only.
        let part = encoding == .states || rounds % 3 == 2 ? 0.5 : prospect.crossing
        request = Request(point: prospect.point(at: part, biasField: biasField), trim: 0)
    }

    private mutating func narrow(_ old: Prospect, by point: SweepPoint, _ lanes: Lanes, rounds: Int) {
        guard let made = request?.point else { return }
        var prospect = old
        let isEnd: Bool
        switch encoding {
        case .toggles:
            let isFirst = (point.ones - 0.5) * (prospect.ends.0.ones - 0.5) > 0
            if isFirst { prospect.ends.0 = point } else { prospect.ends.1 = point }
            isEnd = abs(point.ones - 0.5) <= Self.close || rounds + 1 == Self.narrowingRounds
        case .states:
            if Self.isUsable(point) { prospect.ends.1 = point } else { prospect.ends.0 = point }
            let width = prospect.ends.1.pulseWidthPicoseconds
            isEnd = width - prospect.ends.0.pulseWidthPicoseconds <= Self.settledWidth * width
        }
        guard isEnd else { return measureBetween(prospect, rounds: rounds + 1) }
        if encoding == .states {
            keep(prospect, at: prospect.point(at: 1, biasField: biasField))
        } else {
            keep(prospect, at: made)
        }
    }

    // MARK: Trims

    private mutating func beginTrims(_ prospect: Prospect, at point: OperatingPoint) {
        stage = .trimming(prospect, point, lowest: [], highest: [], done: 0)
        request = Request(point: point, trim: trims[0])
    }

    private mutating func enterTrimmed(
        _ lanes: Lanes, _ measured: SweepPoint, _ prospect: Prospect, _ point: OperatingPoint,
        lowest: [Double], highest: [Double], done: Int
    ) {
        if done == 0, abs(measured.lagOne) > Self.usableLagOne { return goOn() }
        let shares = lanes.map(\.ones)
        let lowest = done == 0 ? shares : zip(lowest, shares).map { min($0, $1) }
        let highest = done == 0 ? shares : zip(highest, shares).map { max($0, $1) }
        if done + 1 < trims.count {
            stage = .trimming(prospect, point, lowest: lowest, highest: highest, done: done + 1)
            request = Request(point: point, trim: trims[done + 1])
            return
        }
        let margin = trims.count == 1 ? Self.heldDeviation : 0
        let holdable = zip(lowest, highest).count { $0 <= 0.5 + margin && $1 >= 0.5 - margin }
        candidates.append(
            Candidate(point: point, reason: prospect.reason, holdable: holdable, lanes: lanes.count))
        goOn()
    }
}

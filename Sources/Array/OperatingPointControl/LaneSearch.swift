// SPDX-License-Identifier: Apache-2.0

/// The search for the trim at which one lane gives 50 % ones, over all trims and knowing nothing of its response.
///
/// First the whole range is scanned. Where ½ is crossed between two points of the scan, the bracket is narrowed by
/// interpolation, and by halving where that is slow. Where it is not crossed, but comes nearest inside the range,
/// a parabola through three points finds the crest, which may be on the other side of ½. A search ends after at
/// most `longest` measurements.
///
/// A value without effects: measured shares in, trims out.
struct LaneSearch: Sendable {
    /// A measured share of ones, and the trim at which it was measured.
    struct Point: Sendable {
        var trim: Double
        var ones: Double

        var deviation: Double { ones - 0.5 }
    }

    enum Outcome: Sendable {
        /// ½ is at about this point; a step of trim changes the share of ones by `slope`.
        case found(Point, slope: Double)
        /// The nearest that the lane comes to ½ is at a limit, with the slope there.
        case limited(Point, slope: Double)
        /// The nearest that the lane comes to ½ is inside the range: a crest on the wrong side of ½.
        case crested(Point)
        /// No trim moves the lane: its device is dead, or faulty now.
        case silent
        /// The shares contradict one another: the lane changed during the search.
        case contradicted
    }

    private enum Stage: Sendable {
        case scanning
        /// Between two points on either side of ½, which were `within` others at first.
        case narrowing(Bracket, within: Bracket, rounds: Int)
        /// Around the middle one of three points, which is nearest to ½.
        case climbing([Point], rounds: Int)
    }

    /// Two points on either side of ½, the one with the lower trim first.
    private struct Bracket: Sendable {
        var low: Point
        var high: Point

        var width: Double { high.trim - low.trim }
        var slope: Double { (high.ones - low.ones) / width }
        var crossing: Double { low.trim - low.deviation / slope }
        var middle: Double { (low.trim + high.trim) / 2 }
        /// Whether a share that is measured between the points may be.
        func admits(_ ones: Double) -> Bool {
            ones > min(low.ones, high.ones) - LaneSearch.contradiction
                && ones < max(low.ones, high.ones) + LaneSearch.contradiction
        }
    }

    /// The number of points of a scan.
    static let scanPoints = 9
    /// The most measurements that a search takes.
    static let longest = scanPoints + climbingRounds + narrowingRounds

    private static let narrowingRounds = 10
    private static let climbingRounds = 4
    /// A lane whose share of ones moves by less than this over all trims does not answer.
    private static let leastResponse = 0.05
    /// A share as near as this to ½ ends the search: the filter of the lane does the rest.
    private static let close = 0.01
    /// Shares of two points of which a slope is made differ by this at least, of which shot noise is a tenth.
    private static let slopeDifference = 0.04
    /// A share this far outside its bracket is neither noise nor curvature.
    private static let contradiction = 0.03

    /// The trim at which the next share is measured.
    private(set) var trim: Double
    private var stage = Stage.scanning
    private var points: [Point] = []
    private let limits: ClosedRange<Double>
    private var scanned = 0

    /// - Parameter limits: whole numbers.
    init(limits: ClosedRange<Double>) {
        self.limits = limits
        trim = limits.lowerBound
    }

    /// Enters a share of ones that was measured at `trim`.
    ///
    /// - Returns: how the search ended; nil while it goes on, at another `trim`.
    mutating func enter(_ ones: Double) -> Outcome? {
        let point = Point(trim: trim, ones: ones)
        defer { trim = trim.rounded() }
        switch stage {
        case .scanning: return scan(point)
        case .narrowing(let bracket, let first, let rounds):
            points.append(point)
            return narrow(bracket, within: first, by: point, rounds: rounds)
        case .climbing(let crest, let rounds):
            points.append(point)
            return climb(crest, by: point, rounds: rounds)
        }
    }

    // MARK: Scanning

    private mutating func scan(_ point: Point) -> Outcome? {
        // The trims of a range of few steps are not all different.
        if points.last?.trim != point.trim { points.append(point) }
        scanned += 1
        guard scanned == Self.scanPoints else {
            let part = Double(scanned) / Double(Self.scanPoints - 1)
            trim = limits.lowerBound + part * (limits.upperBound - limits.lowerBound)
            return nil
        }
        return endScan()
    }

    /// Where ½ is crossed more than once, as on both sides of a crest, the steeper flank holds better.
    private mutating func endScan() -> Outcome? {
        let shares = points.map(\.ones)
        guard (shares.max() ?? 0) - (shares.min() ?? 0) >= Self.leastResponse else { return .silent }
        let brackets = zip(points, points.dropFirst()).map { Bracket(low: $0, high: $1) }
        let crossings = brackets.filter { $0.low.deviation * $0.high.deviation <= 0 }
        if let steepest = crossings.max(by: { abs($0.slope) < abs($1.slope) }) {
            narrow(to: steepest, within: steepest, rounds: 0)
            return nil
        }
        let nearest = points.indices.min { abs(points[$0].deviation) < abs(points[$1].deviation) } ?? 0
        if nearest == 0 || nearest == points.count - 1 {
            let slope = (nearest == 0 ? brackets.first : brackets.last)?.slope ?? 0
            return .limited(points[nearest], slope: slope)
        }
        climb(around: Array(points[nearest - 1...nearest + 1]), rounds: 0)
        return nil
    }

    // MARK: Narrowing

    private mutating func narrow(to bracket: Bracket, within first: Bracket, rounds: Int) {
        stage = .narrowing(bracket, within: first, rounds: rounds)
        // Interpolation may come near from one side only.
        let next = rounds % 3 == 2 ? bracket.middle : bracket.crossing
        trim = min(max(next.rounded(), bracket.low.trim), bracket.high.trim)
    }

    private mutating func narrow(
        _ bracket: Bracket, within first: Bracket, by point: Point, rounds: Int
    ) -> Outcome? {
        guard bracket.admits(point.ones), rounds < Self.narrowingRounds else { return .contradicted }
        if abs(point.deviation) <= Self.close || bracket.width <= 1 {
            return .found(point, slope: slope(at: point, in: first))
        }
        var bracket = bracket
        if point.deviation * bracket.low.deviation > 0 { bracket.low = point } else { bracket.high = point }
        guard bracket.width > 0 else { return .contradicted }
        narrow(to: bracket, within: first, rounds: rounds + 1)
        return nil
    }

    /// The slope of the flank, between the point that was found and the nearest one whose share differs enough.
    private func slope(at found: Point, in flank: Bracket) -> Double {
        var best = flank
        for point in points where abs(point.ones - found.ones) >= Self.slopeDifference {
            let pair =
                point.trim < found.trim
                ? Bracket(low: point, high: found) : Bracket(low: found, high: point)
            if pair.width > 0, pair.width < best.width, pair.slope * flank.slope > 0 { best = pair }
        }
        return best.slope
    }

    // MARK: Climbing

    private mutating func climb(around crest: [Point], rounds: Int) {
        stage = .climbing(crest, rounds: rounds)
        trim = Self.vertex(of: crest).rounded()
    }

    /// Between the outer points, and away from the middle one: the vertex of the parabola through the three.
    private static func vertex(of crest: [Point]) -> Double {
        let (left, middle, right) = (crest[0], crest[1], crest[2])
        let (before, after) = (middle.trim - left.trim, right.trim - middle.trim)
        let rise = (middle.ones - left.ones) / before
        let fall = (right.ones - middle.ones) / after
        let bend = (fall - rise) / (before + after)
        guard bend != 0 else { return middle.trim + after / 2 }
        let vertex = (left.trim + middle.trim) / 2 - rise / (2 * bend)
        let nearest = min(before, after) / 4
        if abs(vertex - middle.trim) < nearest {
            return middle.trim + (before > after ? -before / 2 : after / 2)
        }
        return min(max(vertex, left.trim + nearest / 2), right.trim - nearest / 2)
    }

    private mutating func climb(_ crest: [Point], by point: Point, rounds: Int) -> Outcome? {
        let (left, middle, right) = (crest[0], crest[1], crest[2])
        if point.deviation * middle.deviation <= 0 {
            // ½ is crossed on both sides of the point. The foot that is further from ½ is the steeper flank's.
            let foot = abs(left.deviation) > abs(right.deviation) ? left : right
            let flank =
                foot.trim < point.trim ? Bracket(low: foot, high: point) : Bracket(low: point, high: foot)
            narrow(to: flank, within: flank, rounds: 0)
            return nil
        }
        let isNearer = abs(point.deviation) < abs(middle.deviation)
        let around: [Point] =
            switch (point.trim < middle.trim, isNearer) {
            case (true, true): [left, point, middle]
            case (true, false): [point, middle, right]
            case (false, true): [middle, point, right]
            case (false, false): [left, middle, point]
            }
        guard rounds < Self.climbingRounds, around[1].trim - around[0].trim > 2,
            around[2].trim - around[1].trim > 2
        else { return .crested(around[1]) }
        climb(around: around, rounds: rounds + 1)
        return nil
    }
}

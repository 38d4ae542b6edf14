// SPDX-License-Identifier: Apache-2.0

/// The state of one lane: its trim, the effect of a trim step, and how well it is held.
struct LaneTrim: Sendable {
    /// In steps, between whole ones as well; the board is given the nearest.
    var trim = 0.0
    /// The last measured share of ones, and at which trim, as the board was given it.
    private(set) var measured: (ones: Double, trim: Double)?
    /// Change of the probability of a one with a step of trim; 0 when no trim brings the lane to ½.
    private var slope = 0.0
    /// Precision (1 / variance) to which the slope is known.
    private var slopePrecision = 0.0
    /// The slope across the bracket in which ½ is crossed: the slope cannot be far from it.
    private var bracketSlope = 0.0
    /// Variance of what the lane's probability is away from where it is thought to be.
    private var variance = 0.0
    /// The trim at which the lane was last at ½, or was thought to be.
    private var home = 0.0
    /// Measured shares at the trims of the scan.
    private var scan: [(ones: Double, trim: Double)] = []

    /// A share of ones as far from ½ as this is a fault, not a drift; it is not trimmed away.
    private static let faultDeviation = 0.15
    /// A measured share this far from ½ is neither noise nor drift.
    private static let away = 0.02
    /// A deviation, in standard deviations, that counts as a jump, after which little is known. Shot noise alone
    /// reaches it once in 10^9 measurements of a lane.
    private static let jump = 6.0
    /// A lane whose share of ones moves by less than this over all trims does not answer: its device is
    /// dead, or faulty now.
    private static let leastResponse = 0.05
    /// A slope in multiples of that across the bracket.
    private static let slopes = 0.4...2.5

    /// What a step does where the lane is nearest to ½; nil for one that does not answer, or is at its crest.
    var crossingSlope: Double? { bracketSlope == 0 ? nil : bracketSlope }

    /// Whether the trims of the scan moved the lane.
    var answers: Bool {
        let shares = scan.map(\.ones)
        return (shares.max() ?? 0) - (shares.min() ?? 0) >= Self.leastResponse
    }

    /// Whether the lane can be moved towards ½.
    var isTrimmable: Bool { slope != 0 }

    /// Whether the lane's last measured share may be trimmed away.
    var isWithinReach: Bool {
        isTrimmable && measured.map { abs($0.ones - 0.5) <= Self.faultDeviation } ?? false
    }

    /// Whether the lane is not at ½, and no trim takes it there.
    func isAway(_ limits: ClosedRange<Double>) -> Bool {
        !isTrimmable || isAtLimit(limits)
            || measured.map { abs($0.ones - 0.5) > Self.away } ?? false
    }

    func isAtLimit(_ limits: ClosedRange<Double>) -> Bool {
        trim == limits.lowerBound || trim == limits.upperBound
    }

    /// Whether the lane is held, going by its last measured share: it is within reach, does not jump, and no
    /// limit keeps it from ½.
    func isSteady(noise: Double, limits: ClosedRange<Double>) -> Bool {
        guard let measured, isWithinReach, !isAtLimit(limits) else { return false }
        return !isJump(measured.ones - 0.5, noise: noise)
    }

    private func isJump(_ deviation: Double, noise: Double) -> Bool {
        deviation * deviation > Self.jump * Self.jump * (variance + noise)
    }

    /// Enters a share of ones that was measured at `trim`.
    mutating func measure(_ ones: Double) { measured = (ones, trim.rounded()) }

    /// Takes a lane that did not answer as one like the others: it may come back, and be near ½ then.
    mutating func assume(slope assumed: Double) {
        trim = 0
        slope = assumed
        bracketSlope = assumed
    }

    // MARK: Learning

    /// Enters a share of ones of the scan. The trims of a range of few steps are not all different.
    mutating func scanned(_ ones: Double) {
        measure(ones)
        if scan.last?.trim != trim { scan.append((ones, trim)) }
    }

    /// Ends the scan: goes to where ½ is crossed, by straight interpolation. Where it is crossed more than
    /// once, as on both sides of a crest, the steeper flank holds better. Where it would be crossed beyond a
    /// limit, the lane waits at the limit. A lane with a crest on the wrong side of ½ stays at its crest.
    ///
    /// - Parameter noise: variance of a measured share.
    mutating func endScan(noise: Double) {
        measured = nil
        guard answers else { return trim = 0 }
        let brackets = Array(zip(scan, scan.dropFirst()))
        let crossings = brackets.filter { ($0.ones - 0.5) * ($1.ones - 0.5) <= 0 }
        let nearest = scan.indices.min { abs(scan[$0].ones - 0.5) < abs(scan[$1].ones - 0.5) } ?? 0
        if let best = crossings.max(by: { abs(Self.slope($0)) < abs(Self.slope($1)) }) {
            take(slope: Self.slope(best), over: best.1.trim - best.0.trim, noise: noise)
            trim = best.0.trim + (0.5 - best.0.ones) / bracketSlope
        } else {
            trim = scan[nearest].trim
            let ends = [0: brackets.first, scan.count - 1: brackets.last]
            if let end = ends[nearest] ?? nil {
                take(slope: Self.slope(end), over: end.1.trim - end.0.trim, noise: noise)
            }
        }
        home = trim
    }

    private typealias Point = (ones: Double, trim: Double)

    private static func slope(_ bracket: (Point, Point)) -> Double {
        (bracket.1.ones - bracket.0.ones) / (bracket.1.trim - bracket.0.trim)
    }

    private mutating func take(slope measured: Double, over step: Double, noise: Double) {
        bracketSlope = measured
        slope = measured
        slopePrecision = step * step / (2 * noise)
    }

    /// A step of Newton's method, with a slope that becomes better with each.
    ///
    /// - Parameter noise: variance of a measured share.
    mutating func refine(_ ones: Double, noise: Double, limits: ClosedRange<Double>) {
        if let measured, measured.trim != trim.rounded(), answers {
            let step = trim.rounded() - measured.trim
            let precision = step * step / (2 * noise)
            let observed = (ones - measured.ones) / step
            slope = (slope * slopePrecision + observed * precision) / (slopePrecision + precision)
            slopePrecision += precision
        }
        measure(ones)
        variance = noise
        if isWithinReach { move(by: 0.5 - ones, limits: limits) }
    }

    // MARK: Holding

    /// One step of a Kalman filter with one state, the lane's probability, which wanders.
    ///
    /// - Parameters:
    ///   - deviation: what was measured, less ½ and less what all lanes have in common.
    ///   - noise: its variance.
    ///   - drift: by how much the variance has grown since the step before.
    /// - Returns: the part of the deviation that is to be trimmed away.
    mutating func filter(deviation: Double, noise: Double, drift: Double) -> Double {
        variance += drift
        if isJump(deviation, noise: noise) { variance = deviation * deviation }
        let gain = variance / (variance + noise)
        variance *= 1 - gain
        return gain * deviation
    }

    /// Remembers the trim as one at which the lane is at ½.
    mutating func settle() { home = trim }

    /// Lets the lane, which is out of reach, wait where it was last at ½: it may come back.
    mutating func wait() { trim = home }

    /// Moves the trim so that the probability of a one changes by so much.
    mutating func move(by change: Double, limits: ClosedRange<Double>) {
        guard isTrimmable else { return }
        let relative = min(
            max(slope / bracketSlope, Self.slopes.lowerBound), Self.slopes.upperBound)
        let moved = trim + change / (relative * bracketSlope)
        trim = min(max(moved, limits.lowerBound), limits.upperBound)
    }
}

// SPDX-License-Identifier: Apache-2.0

/// The state of one lane: its trim, the effect of a trim step, and how well it is held.
///
/// A lane that strays from ½ and does not come back is searched for over all trims. What the search finds is
/// believed until the lane's share of ones changes.
struct LaneTrim: Sendable {
    /// Why a lane is not at ½, by the last search.
    private struct Verdict: Sendable {
        /// The share of ones after the search.
        var share: Double
        var isSilent = false
        /// The number of searches that came to this.
        var searches: Int
        /// The number of measurements until the next search; nil to wait for a change.
        var wait: Int?

        /// Whether a share says that something has changed: it is another one, or on the other side of ½.
        func isRefuted(by other: Double) -> Bool {
            abs(other - share) > LaneTrim.change
                || (share - 0.5) * (other - 0.5) < 0 && abs(other - 0.5) > LaneTrim.away / 2
        }
    }

    /// In steps, between whole ones as well; the board is given the nearest.
    private(set) var trim = 0.0
    /// Change of the probability of a one with a step of trim; 0 when it is not known, or trims do not help.
    private var slope = 0.0
    /// Variance of what the lane's probability is away from where it is thought to be.
    private var variance = 0.0
    /// The trim at which the lane was last at ½, or was thought to be.
    private var home = 0.0
    /// The deviations since the last jump, at most `persistence` of them: a slope that is too large by far leaves
    /// errors that last.
    private var recent = (sum: 0.0, count: 0)
    /// The last measured share of ones while the lane was held, and at which trim, as the board was given it.
    private var measured: (ones: Double, trim: Double)?
    /// Nil while the lane is held, or waits where it is.
    private var search: LaneSearch?
    private var verdict: Verdict?
    /// The number of measurements in a row in which the lane was not where it is expected.
    private var strayed = 0
    /// The number of measurements in a row in which it was.
    private var settled = 0
    /// The number of searches that found the lane, or that it disturbed, since it was last held for `lasting`
    /// measurements.
    private var losses = 0

    /// A share of ones as far from ½ as this is a fault, not a drift; it is not trimmed away in one go.
    private static let faultDeviation = 0.15
    /// A measured share this far from ½ is neither noise nor drift.
    private static let away = 0.02
    /// A deviation, in standard deviations, that counts as a jump, after which little is known. Shot noise alone
    /// reaches it once in 10^9 measurements of a lane.
    private static let jump = 6.0
    /// Measurements after which a lane is lost that is out of reach of its filter, or away from ½; twice as many
    /// with each loss.
    private static let patienceOut = 3
    private static let patienceAway = 8
    /// Measurements until a lane that no trim takes to ½ is searched for again; for one that does not answer and is
    /// out of reach, twice as many with each search.
    private static let pause = 4
    /// How often times are doubled at most: to a second, or four, at a million shots a second.
    private static let doublings = 3
    /// The share of ones of a lane that no trim takes to ½ changes by this when something else has changed.
    private static let change = 0.05
    /// A lane that was at ½ for as many measurements is held.
    private static let lasting = 16
    /// A mean deviation of as many measurements as `persistence` that neither noise nor drift explains: shot noise
    /// and drift leave a quarter of it.
    private static let lastingError = 0.004
    private static let persistence = 16
    /// Of moves that should change the share of ones by this, the slope is learned: shot noise is a tenth of it.
    private static let lesson = 0.03
    /// Slopes, in multiples of the known one, that are believed of one move.
    private static let believable = 0.1...10.0
    /// The part of the range by which a trim moves at most after one measurement.
    private static let largestMove = 1.0 / 8

    /// Whether the lane is being searched for.
    var isSearching: Bool { search != nil }

    var state: TrimmedLaneState {
        if verdict != nil { return .untrimmable }
        return isSearching ? .searching : .held
    }

    /// Whether the lane is held, going by a measured share: it does not jump, and no limit keeps it from ½.
    func isSteady(_ share: Double, noise: Double, limits: ClosedRange<Double>) -> Bool {
        search == nil && verdict == nil && !Self.isOut(share) && !isAtLimit(limits)
            && !isJump(share - 0.5, noise: noise)
    }

    /// Whether a share is out of reach of the filter.
    private static func isOut(_ share: Double) -> Bool { abs(share - 0.5) > faultDeviation }

    private func isAtLimit(_ limits: ClosedRange<Double>) -> Bool {
        trim == limits.lowerBound || trim == limits.upperBound
    }

    private func isJump(_ deviation: Double, noise: Double) -> Bool {
        deviation * deviation > Self.jump * Self.jump * (variance + noise)
    }

    // MARK: Searching

    /// Begins a search. The verdict of the previous one stands until it ends.
    mutating func beginSearch(_ limits: ClosedRange<Double>) {
        let search = LaneSearch(limits: limits)
        self.search = search
        trim = search.trim
        measured = nil
        recent = (0, 0)
        strayed = 0
        settled = 0
    }

    /// Enters a share of ones that was measured at the trim of the search.
    ///
    /// - Parameters:
    ///   - noise: variance of a measured share.
    ///   - isLearning: whether this is the first search, and that of all lanes.
    mutating func enterSearch(
        _ share: Double, noise: Double, limits: ClosedRange<Double>, isLearning: Bool
    ) {
        let outcome = search?.enter(share)
        trim = search?.trim ?? trim
        guard let outcome else { return }
        search = nil
        switch outcome {
        case .found(let point, let slope):
            if !isLearning { losses += 1 }
            verdict = nil
            take(slope: slope, at: point.trim, noise: noise)
            move(by: -point.deviation, limits: limits)
            home = trim
        case .limited(let point, let slope):
            take(slope: slope, at: point.trim, noise: noise)
            giveUp(at: point.ones, isLearning: isLearning)
        case .crested(let point):
            take(slope: 0, at: point.trim, noise: noise)
            giveUp(at: point.ones, isLearning: isLearning)
        case .silent:
            trim = home
            giveUpSilent(at: share)
        case .contradicted:
            losses += 1
            // The lane may have changed once; one that changes all the time cannot be searched for.
            if losses == 1 { beginSearch(limits) } else { trim = home }
        }
    }

    /// Lets the lane stay where no trim takes it nearer to ½. It is searched for once more, in case it changed
    /// during the search; not after learning, in which no other lane seems to have changed.
    private mutating func giveUp(at share: Double, isLearning: Bool) {
        let searches = (verdict?.searches ?? 0) + 1
        verdict = Verdict(
            share: share, searches: searches, wait: searches == 1 && !isLearning ? Self.pause : nil)
    }

    /// Lets the lane wait until it answers, searching again and again: that harms no lane that does not answer.
    private mutating func giveUpSilent(at share: Double) {
        let searches = (verdict?.searches ?? 0) + 1
        verdict = Verdict(
            share: share, isSilent: true, searches: searches,
            wait: Self.isOut(share) ? Self.pause << min(searches, Self.doublings) : Self.pause)
    }

    private mutating func take(slope: Double, at trim: Double, noise: Double) {
        self.slope = slope
        self.trim = trim
        variance = noise
    }

    // MARK: Holding

    /// Enters a share of ones of a lane that is not being searched for.
    ///
    /// - Parameters:
    ///   - mean: what all lanes have in common, less ½.
    ///   - shared: the part of it that is to be trimmed away.
    ///   - noise: variance of a measured share.
    ///   - drift: by how much the variance of the lane's probability has grown since the measurement before.
    mutating func hold(
        _ share: Double, mean: Double, shared: Double, noise: Double, drift: Double, limits: ClosedRange<Double>
    ) {
        let steady = isSteady(share, noise: noise, limits: limits)
        let isOut = Self.isOut(share)
        learnSlope(share)
        watch(share, limits)
        if isLost(isOut: isOut) { return beginSearch(limits) }
        if let verdict, verdict.isSilent || isOut { return }
        // It may be back at once, and be near ½ then.
        if isOut { return trim = home }
        let own = filter(deviation: share - 0.5 - mean, noise: noise, drift: drift)
        move(by: -(own + shared), limits: limits)
        if steady { home = trim }
    }

    /// Learns the slope of the last move, if that was a large one: a step of the temperature changes slopes as well.
    private mutating func learnSlope(_ share: Double) {
        defer { measured = (share, trim.rounded()) }
        guard let measured, !Self.isOut(share), !Self.isOut(measured.ones) else { return }
        let step = trim.rounded() - measured.trim
        guard abs(step * slope) >= Self.lesson else { return }
        let observed = (share - measured.ones) / step
        if Self.believable.contains(observed / slope) { slope = observed }
    }

    /// Counts for how long the lane has been where it is expected, or elsewhere.
    private mutating func watch(_ share: Double, _ limits: ClosedRange<Double>) {
        let isAway = abs(share - 0.5) > Self.away
        if !isAway, slope != 0, !isAtLimit(limits) { verdict = nil }
        let isAstray = verdict?.isRefuted(by: share) ?? isAway
        strayed = isAstray ? strayed + 1 : 0
        settled = isAway ? 0 : settled + 1
        if settled >= Self.lasting { losses = 0 }
        if let wait = verdict?.wait { verdict?.wait = wait - 1 }
    }

    private func isLost(isOut: Bool) -> Bool {
        if let verdict { return strayed >= Self.patienceOut || verdict.wait == 0 }
        let patience = isOut ? Self.patienceOut : Self.patienceAway
        return strayed >= patience << min(losses, Self.doublings)
    }

    /// One step of a Kalman filter with one state, the lane's probability, which wanders.
    ///
    /// - Parameters:
    ///   - deviation: what was measured, less ½ and less what all lanes have in common.
    ///   - noise: its variance.
    ///   - drift: by how much the variance has grown since the step before.
    /// - Returns: the part of the deviation that is to be trimmed away.
    private mutating func filter(deviation: Double, noise: Double, drift: Double) -> Double {
        variance += drift
        if isJump(deviation, noise: noise) {
            variance = deviation * deviation
            recent = (0, 0)
        } else {
            recent = (recent.sum + deviation, recent.count + 1)
        }
        if recent.count == Self.persistence {
            let mean = recent.sum / Double(recent.count)
            if abs(mean) > Self.lastingError { variance = mean * mean }
            recent = (0, 0)
        }
        let gain = variance / (variance + noise)
        variance *= 1 - gain
        return gain * deviation
    }

    /// Moves the trim so that the probability of a one changes by so much.
    private mutating func move(by change: Double, limits: ClosedRange<Double>) {
        guard slope != 0 else { return }
        let largest = Self.largestMove * (limits.upperBound - limits.lowerBound)
        let moved = trim + min(max(change / slope, -largest), largest)
        trim = min(max(moved, limits.lowerBound), limits.upperBound)
    }
}

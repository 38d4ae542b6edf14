// SPDX-License-Identifier: Apache-2.0

import Glibc

/// How much the devices of an array remember of what was written, pulse after pulse.
///
/// With σ = ±1 for a device that is up or down, and with a fresh random permutation of lanes for each load, the mean of
/// a device that was written σ₀ is a·σ₀ + b after n pulses: `correlation` is a(n), `offset` is b(n). Between the
/// points that were measured, ln a and b are interpolated linearly.
public struct FlipCurve: Hashable, Sendable {
    /// A measurement of the devices after some pulses.
    public struct Point: Hashable, Sendable {
        /// The number of pulses since the devices were written.
        public let pulses: Int
        /// a: half the difference of the means of devices written up and of devices written down.
        public let correlation: Double
        /// b: half the sum of the two means.
        public let offset: Double
        /// The standard error of `correlation`, and that of `offset`.
        public let standardError: Double

        /// A measurement of these values.
        public init(pulses: Int, correlation: Double, offset: Double, standardError: Double) {
            self.pulses = pulses
            self.correlation = correlation
            self.offset = offset
            self.standardError = standardError
        }
    }

    private struct Knot: Hashable {
        let pulses: Double
        let logarithm: Double
    }

    /// What was measured, in the order of the pulses; empty for an ideal curve.
    public let points: [Point]
    /// ln a: falls from knot to knot.
    private let knots: [Knot]

    /// The curve of devices that flip with the same probability in both states: a(n) = (1 − 2p)ⁿ, b(n) = 0.
    ///
    /// - Parameter flipProbability: p of a pulse, between 0 and ½.
    public init(flipProbability: Double) {
        precondition(flipProbability > 0 && flipProbability < 0.5)
        let slope = log(1 - 2 * flipProbability)
        let most = (Self.deepest / slope).rounded(.up)
        points = []
        knots = [Knot(pulses: 0, logarithm: 0), Knot(pulses: most, logarithm: most * slope)]
    }

    /// ln a at the end of an ideal curve.
    private static let deepest = -20.0

    /// A curve through measured points.
    ///
    /// Noise is taken off: a(n) is made to fall (isotonic regression), and the points that are not four standard errors
    /// above 0 are replaced by the exponential that continues those before them.
    ///
    /// - Parameter points: at least two, in the order of their pulses.
    public init(points: [Point]) {
        precondition(points.count > 1 && zip(points, points.dropFirst()).allSatisfy { $0.pulses < $1.pulses })
        self.points = points
        let falling = falling(points)
        let determined = zip(points, falling).prefix { $1 > Self.certainty * $0.standardError }.map {
            Knot(pulses: Double($0.pulses), logarithm: log(min($1, 1)))
        }
        var knots = determined.isEmpty ? [Knot(pulses: 0, logarithm: 0)] : determined
        if knots.count < points.count {
            let last = knots[knots.count - 1]
            let slope = Self.slopeAtEnd(of: knots)
            for point in points[knots.count...] {
                knots.append(
                    Knot(
                        pulses: Double(point.pulses),
                        logarithm: last.logarithm + slope * (Double(point.pulses) - last.pulses)))
            }
        }
        self.knots = knots
    }

    /// How many standard errors a correlation has to be above 0 to count as measured.
    private static let certainty = 4.0

    /// The mean change of ln a for a pulse over the second half of the knots.
    private static func slopeAtEnd(of knots: [Knot]) -> Double {
        guard let last = knots.last, last.pulses > 0 else { return -1 }
        let first = knots.last { $0.pulses <= last.pulses / 2 } ?? knots[0]
        return (last.logarithm - first.logarithm) / (last.pulses - first.pulses)
    }

    // MARK: Values

    /// The most pulses that were measured.
    public var mostPulses: Int { Int(knots[knots.count - 1].pulses) }

    /// The correlation after the most pulses.
    public var smallestCorrelation: Double { exp(knots[knots.count - 1].logarithm) }

    /// The probability that a pulse flips a device, averaged over both states.
    public var flipProbability: Double { (1 - correlation(after: 1)) / 2 }

    /// a(n): 1 with no pulse, and falling. Beyond the most pulses it falls on as fast as at last.
    ///
    /// - Parameter pulses: 0 or more; may be a fraction.
    public func correlation(after pulses: Double) -> Double { exp(logarithm(after: pulses)) }

    private func logarithm(after pulses: Double) -> Double {
        let upper = min(max(knots.partitioningIndex { $0.pulses >= pulses }, 1), knots.count - 1)
        let (left, right) = (knots[upper - 1], knots[upper])
        let slope = (right.logarithm - left.logarithm) / (right.pulses - left.pulses)
        return min(0, left.logarithm + slope * (pulses - left.pulses))
    }

    /// The inverse of `correlation`: after how many pulses a has fallen to this, as a fraction; the most pulses if it
    /// has not then.
    ///
    /// - Parameter correlation: above 0.
    public func pulses(correlation: Double) -> Double {
        let logarithm = log(correlation)
        let upper = knots.partitioningIndex { $0.logarithm <= logarithm }
        guard upper > 0 else { return knots[0].pulses }
        guard upper < knots.count else { return knots[knots.count - 1].pulses }
        let (left, right) = (knots[upper - 1], knots[upper])
        return left.pulses
            + (right.pulses - left.pulses) * (logarithm - left.logarithm) / (right.logarithm - left.logarithm)
    }

    /// b(n).
    ///
    /// - Parameter pulses: 0 or more; may be a fraction.
    public func offset(after pulses: Double) -> Double {
        guard let first = points.first, let last = points.last else { return 0 }
        guard pulses < Double(last.pulses) else { return last.offset }
        let upper = points.partitioningIndex { Double($0.pulses) > pulses }
        guard upper > 0 else { return first.offset }
        let (left, right) = (points[upper - 1], points[upper])
        let share = (pulses - Double(left.pulses)) / Double(right.pulses - left.pulses)
        return left.offset + share * (right.offset - left.offset)
    }
}

/// The correlations that never rise and are closest to the measured ones: neighbours that rise are pooled.
private func falling(_ points: [FlipCurve.Point]) -> [Double] {
    var pools: [(value: Double, weight: Double, count: Int)] = []
    for point in points {
        let weight = 1 / max(point.standardError * point.standardError, 1e-12)
        pools.append((point.correlation, weight, 1))
        while pools.count > 1, pools[pools.count - 2].value < pools[pools.count - 1].value {
            let (left, right) = (pools[pools.count - 2], pools.removeLast())
            let weight = left.weight + right.weight
            pools[pools.count - 1] = (
                (left.value * left.weight + right.value * right.weight) / weight, weight, left.count + right.count
            )
        }
    }
    return pools.flatMap { Array(repeating: $0.value, count: $0.count) }
}

extension RandomAccessCollection where Index == Int {
    /// The first index whose element and all after it satisfy the predicate; elements that do not come first.
    func partitioningIndex(where predicate: (Element) -> Bool) -> Int {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = (low + high) / 2
            if predicate(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

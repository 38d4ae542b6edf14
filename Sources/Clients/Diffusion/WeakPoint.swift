// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Finds the width at which a pulse flips devices with a wanted small probability.
///
/// Short and high pulses are used, of which the flip probability depends least on diameter and temperature. The
/// probability is measured by writing all 0 and all 1 and counting flips.
public struct WeakPointSearch: Sendable {
    /// The wanted probability that a pulse flips a device, the mean over devices and both states.
    public var flipProbability: Double
    /// The amplitude in mV; the nearest that the array takes is used.
    public var amplitudeMillivolts: Double
    /// The relative error of the probability at which the search ends.
    public var tolerance: Double

    /// A search of these values.
    ///
    /// - Parameters:
    ///   - flipProbability: from 0.0005 to 0.2.
    ///   - amplitudeMillivolts: above 0.
    ///   - tolerance: from 0.01 up.
    public init(flipProbability: Double = 0.01, amplitudeMillivolts: Double = 2_300, tolerance: Double = 0.05) {
        precondition((0.0005...0.2).contains(flipProbability) && amplitudeMillivolts > 0 && tolerance >= 0.01)
        self.flipProbability = flipProbability
        self.amplitudeMillivolts = amplitudeMillivolts
        self.tolerance = tolerance
    }

    /// Widths at which the search begins and ends, in ps: longer pulses flip devices more than once.
    private static let widths = 60.0...400.0
    /// The share by which the width is raised until the probability is above the wanted one.
    private static let stride = 1.08
    private static let mostRefinements = 12
    private static let pulses = 4
    private static let loads = 32

    /// Sets the point, and leaves the array at it.
    ///
    /// - Parameters:
    ///   - array: nothing else uses it meanwhile.
    ///   - progress: is called after each measurement with the number of measurements so far, and about how many there are.
    /// - Returns: the probability that was measured at the point.
    /// - Throws: also `noWeakPoint`.
    @discardableResult
    public func perform(
        on array: any TunableArray, progress: ProgressHandler = { _, _ in true }
    ) throws(DiffusionError) -> Double {
        let limits = array.limits.widthPicoseconds.clamped(to: Self.widths)
        var measured = 0
        var point = array.point
        let amplitudes = array.limits.amplitudeMillivolts
        point.amplitudeMillivolts = min(max(amplitudeMillivolts, amplitudes.lowerBound), amplitudes.upperBound)
        func probability(at width: Double) throws(DiffusionError) -> Double {
            point.widthPicoseconds = width
            let result = try Self.measure(array, at: point)
            measured += 1
            guard progress(measured, max(measured, Self.mostRefinements)) else { throw .interrupted }
            return result
        }
        var (low, lowProbability) = (limits.lowerBound, try probability(at: limits.lowerBound))
        guard lowProbability <= flipProbability * (1 + tolerance) else {
            throw .noWeakPoint(wanted: flipProbability, seen: lowProbability...lowProbability)
        }
        var (high, highProbability) = (low, lowProbability)
        while highProbability < flipProbability {
            guard high < limits.upperBound else {
                throw .noWeakPoint(
                    wanted: flipProbability, seen: min(lowProbability, highProbability)...highProbability)
            }
            (low, lowProbability) = (high, highProbability)
            high = min(high * Self.stride, limits.upperBound)
            highProbability = try probability(at: high)
        }
        var last = highProbability
        for _ in 0..<Self.mostRefinements where abs(log(last / flipProbability)) > tolerance {
            let width = between(low, lowProbability, high, highProbability)
            last = try probability(at: width)
            if last < flipProbability {
                (low, lowProbability) = (width, last)
            } else {
                (high, highProbability) = (width, last)
            }
        }
        guard abs(log(last / flipProbability)) < 0.5 else {
            throw .noWeakPoint(wanted: flipProbability, seen: min(lowProbability, last)...max(highProbability, last))
        }
        return last
    }

    /// A width at which the probability should be the wanted one, its logarithm taken as linear; never close to an end.
    private func between(_ low: Double, _ lowProbability: Double, _ high: Double, _ highProbability: Double) -> Double {
        let (left, right) = (log(max(lowProbability, 1e-6)), log(highProbability))
        let share = (log(flipProbability) - left) / max(right - left, 1e-9)
        return low + (high - low) * min(max(share, 0.1), 0.9)
    }

    /// The probability that a pulse of a point flips a device. The array stays at the point.
    static func measure(_ array: any TunableArray, at point: PulsePoint) throws(DiffusionError) -> Double {
        do {
            try array.set(point)
            var ups = [0, 0]
            for load in 0..<2 * loads {
                try array.write(LaneBits(repeating: load & 1 == 1, count: array.laneCount))
                try array.pulse(pulses)
                ups[load & 1] += try array.read().ones
            }
            let trials = Double(loads * array.laneCount)
            let correlation = max(Double(ups[1] - ups[0]) / trials, 0)
            // One flip at least, so that there is a logarithm.
            let smallest = 1 / trials / Double(pulses)
            return max((1 - pow(correlation, 1 / Double(pulses))) / 2, smallest)
        } catch {
            throw .array(error)
        }
    }
}

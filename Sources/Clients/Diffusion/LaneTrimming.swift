// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Sets the trims of the lanes of an array so that all flip alike.
///
/// Without trims a few slow devices remember long after all others have forgotten, and a load takes several times as many
/// pulses. What a step of the trim does is not known beforehand: it is measured on all lanes together.
public struct LaneTrimming: Sendable {
    /// The number of rounds: in each, all lanes are measured and trimmed.
    public var rounds: Int
    /// The number of loads of a measurement, of either kind.
    public var loads: Int

    /// A trimming of these values, 1 or more each.
    public init(rounds: Int = 4, loads: Int = 64) {
        precondition(rounds > 0 && loads > 0)
        self.rounds = rounds
        self.loads = loads
    }

    /// The trim by which the effect of a step is found, as a share of the range.
    private static let probe = 0.02
    private static let pulses = 24

    /// Trims the lanes; the array keeps the trims.
    ///
    /// - Parameters:
    ///   - array: one that has `trimLimits`, at its weak point; nothing else uses it meanwhile.
    ///   - progress: is called after each measurement.
    /// - Returns: the trims.
    @discardableResult
    public func perform(
        on array: any TunableArray, progress: ProgressHandler = { _, _ in true }
    ) throws(DiffusionError) -> [Int] {
        guard let limits = array.trimLimits else { return [] }
        var trims = [Int](repeating: 0, count: array.laneCount)
        let measurements = rounds + 2
        func report(_ done: Int) throws(DiffusionError) {
            guard progress(done, measurements) else { throw .interrupted }
        }
        var rates = try measure(array, trims)
        try report(1)
        let target = median(rates)
        let slope = try self.slope(array, limits, rates)
        try report(2)
        guard slope != 0 else { return trims }
        for round in 0..<rounds {
            for lane in trims.indices {
                let step = (target - rates[lane]) / slope
                let wanted = Double(trims[lane]) + min(max(step, -1e6), 1e6)
                trims[lane] = min(max(Int(wanted.rounded()), limits.lowerBound), limits.upperBound)
            }
            if round < rounds - 1 { rates = try measure(array, trims) }
            try report(round + 3)
        }
        do {
            try array.setTrims(trims)
        } catch {
            throw .array(error)
        }
        return trims
    }

    /// The change of the logarithm of a lane's flip probability by a step of its trim; the median of all lanes.
    private func slope(
        _ array: any TunableArray, _ limits: ClosedRange<Int>, _ rates: [Double]
    ) throws(DiffusionError) -> Double {
        let probe = max(1, Int(Double(limits.upperBound - limits.lowerBound) * Self.probe))
        let probed = min(probe, limits.upperBound)
        guard probed > 0 else { return 0 }
        let moved = try measure(array, [Int](repeating: probed, count: array.laneCount))
        return median(zip(moved, rates).map { $0 - $1 }) / Double(probed)
    }

    /// The logarithm of the flip probability of each lane.
    private func measure(_ array: any TunableArray, _ trims: [Int]) throws(DiffusionError) -> [Double] {
        var flips = [Int](repeating: 0, count: array.laneCount)
        do {
            try array.setTrims(trims)
            for load in 0..<2 * loads {
                let written = LaneBits(repeating: load & 1 == 1, count: array.laneCount)
                try array.write(written)
                try array.pulse(Self.pulses)
                let changed = try array.read() ^ written
                for lane in flips.indices where changed[lane] { flips[lane] += 1 }
            }
        } catch {
            throw .array(error)
        }
        return flips.map { flips in
            // Half a count more, so that a lane that never flipped has a logarithm.
            let share = min((Double(flips) + 0.5) / Double(2 * loads + 1), 0.495)
            return log((1 - pow(1 - 2 * share, 1 / Double(Self.pulses))) / 2)
        }
    }

    private func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        return sorted[sorted.count / 2]
    }
}

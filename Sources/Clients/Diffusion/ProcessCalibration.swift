// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What an array does to what is written: measured by writing all 0 and all 1, pulsing, and counting.
public struct ProcessCalibration: Sendable {
    /// What to measure.
    public struct Settings: Hashable, Sendable {
        /// The most pulses of a load.
        public var mostPulses: Int
        /// The number of loads of all 0, and of all 1.
        public var loads: Int
        /// The inversion of the process that is to use the result; nil for none.
        public var chopping: Int?

        /// Settings of these values.
        ///
        /// - Parameters:
        ///   - mostPulses: 1 or more.
        ///   - loads: of either kind; 1 or more.
        ///   - chopping: 1 or more, or nil.
        public init(mostPulses: Int = 400, loads: Int = 64, chopping: Int? = nil) {
            precondition(mostPulses > 0 && loads > 0 && chopping.map { $0 > 0 } ?? true)
            self.mostPulses = mostPulses
            self.loads = loads
            self.chopping = chopping
        }
    }

    /// How the lanes that are used flip.
    public let curve: FlipCurve
    /// 1 for each lane that no pulse changed, or that did not take what was written. They are not part of the curve.
    public let leftOut: LaneBits
    /// The pulses of the measurement; nil for an array without.
    public let point: PulsePoint?

    /// Measures an array.
    ///
    /// - Parameters:
    ///   - array: nothing else uses it meanwhile.
    ///   - settings: what to measure.
    ///   - progress: is called after each load.
    /// - Throws: also `tooFewLanes` when no lane follows.
    public static func measure(
        _ array: any DeviceArray, _ settings: Settings = Settings(), progress: ProgressHandler = { _, _ in true }
    ) throws(DiffusionError) -> ProcessCalibration {
        let readings = Self.readings(upTo: settings.mostPulses)
        var counts = Counts(readings: readings.count, lanes: array.laneCount)
        for load in 0..<2 * settings.loads {
            let isUp = load.isMultiple(of: 2)
            do {
                var inversion = Inversion(array: array, chopping: settings.chopping)
                try array.write(LaneBits(repeating: isUp, count: array.laneCount))
                for (index, reading) in readings.enumerated() {
                    try inversion.advance(to: reading)
                    let states = try array.read()
                    counts.add(inversion.isInverted ? states.complement : states, reading: index, writtenUp: isUp)
                }
            } catch {
                throw .array(error)
            }
            guard progress(load + 1, 2 * settings.loads) else { throw .interrupted }
        }
        let leftOut = counts.unchanging(loads: settings.loads)
        guard leftOut.ones < array.laneCount else {
            throw .tooFewLanes(usable: 0, of: array.laneCount)
        }
        let points = readings.indices.map { index in
            counts.point(pulses: readings[index], reading: index, leaving: leftOut, loads: settings.loads)
        }
        return ProcessCalibration(
            curve: FlipCurve(points: points), leftOut: leftOut, point: (array as? any TunableArray)?.point)
    }

    /// Numbers of pulses to read at: all at first, then each a sixteenth more than the one before it.
    static func readings(upTo most: Int) -> [Int] {
        var readings = [0]
        while let last = readings.last, last < most { readings.append(min(most, last + max(1, last / 16))) }
        return readings
    }

    /// How often each lane was up.
    private struct Counts {
        /// [written state][reading][lane]
        private var up: [[[Int32]]]
        private let lanes: Int

        init(readings: Int, lanes: Int) {
            self.lanes = lanes
            up = Array(
                repeating: Array(repeating: Array(repeating: 0, count: lanes), count: readings), count: 2)
        }

        mutating func add(_ states: LaneBits, reading: Int, writtenUp: Bool) {
            for (index, word) in states.words.enumerated() {
                var rest = word
                while rest != 0 {
                    up[writtenUp ? 1 : 0][reading][index << 6 + rest.trailingZeroBitCount] += 1
                    rest &= rest - 1
                }
            }
        }

        /// The lanes that pulses did not change in any load, whatever had been written, and those that read the same
        /// whatever was written.
        func unchanging(loads: Int) -> LaneBits {
            var bits = LaneBits(repeating: false, count: lanes)
            for lane in 0..<lanes {
                // A lane whose number of ones is the same at all readings has kept what it held: a change in one load
                // that is undone in another at every reading is out of the question.
                bits[lane] = isConstant(lane, written: 0) && isConstant(lane, written: 1) || !follows(lane)
            }
            return bits
        }

        private func isConstant(_ lane: Int, written: Int) -> Bool {
            up[written].allSatisfy { $0[lane] == up[written][0][lane] }
        }

        private func follows(_ lane: Int) -> Bool { up[1][0][lane] > up[0][0][lane] }

        func point(pulses: Int, reading: Int, leaving leftOut: LaneBits, loads: Int) -> FlipCurve.Point {
            let used = (0..<lanes).filter { !leftOut[$0] }
            let trials = Double(used.count * loads)
            func share(_ written: Int) -> Double {
                Double(used.reduce(0) { $0 + Int(self.up[written][reading][$1]) }) / trials
            }
            let (down, up) = (share(0), share(1))
            // One count at least, so that the error of a share of 0 is not 0.
            let variances = [down, up].map { max($0 * (1 - $0), 1 / trials) / trials }
            return FlipCurve.Point(
                pulses: pulses, correlation: up - down, offset: up + down - 1,
                standardError: (variances[0] + variances[1]).squareRoot())
        }
    }
}

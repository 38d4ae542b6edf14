// SPDX-License-Identifier: Apache-2.0

package import BoardProtocol
import Glibc

/// Made-up devices, of which everything is known: the probability of a one of each lane is a straight line
/// of its trim and of the pulse width. Only for tests; it is no model of a real device.
package struct ModelDevices: Sendable {
    /// The probability of a one for each lane, at the pulse width `middle` with the trim 0.
    package var base: [Double]
    /// The effect of a trim step on each lane.
    package var slope: [Double]
    /// What a picosecond of pulse width more than `middle` adds to all lanes.
    package var perPicosecond = 0.001
    /// In ps.
    package static let middle = 500.0
    /// The lanes whose bit is always 1.
    package var stuck: Set<Int> = []
    /// A disturbance that adds this to the probability of all lanes in one shot, and takes it away in
    /// another, at random.
    package var commonShift = 0.0
    /// The resistance of each lane, in Ω.
    package var ohms: [Float]

    /// Ideal devices.
    package init(lanes: Int) {
        base = [Double](repeating: 0.5, count: lanes)
        slope = [Double](repeating: 0.0005, count: lanes)
        ohms = [Float](repeating: 100_000, count: lanes)
    }

    /// Devices that differ from one another, as seeded: bases by up to `spread`, slopes by up to a third.
    package init(lanes: Int, spread: Double, seed: UInt64) {
        self.init(lanes: lanes)
        var generator = TestGenerator(seed: seed)
        for lane in 0..<lanes {
            base[lane] += Double.random(in: -spread...spread, using: &generator)
            slope[lane] *= Double.random(in: 2 / 3.0...4 / 3.0, using: &generator)
        }
    }

    /// The probability of a one of each lane.
    package func probabilities(at point: OperatingPoint, trims: [Int16]) -> [Double] {
        let common = perPicosecond * (point.pulseWidthPicoseconds - Self.middle)
        return base.indices.map { lane in
            stuck.contains(lane)
                ? 1 : min(max(base[lane] + slope[lane] * Double(trims[lane]) + common, 0), 1)
        }
    }

    /// Draws shots: the rows of all lanes, one after another.
    func shots(
        _ count: Int, at point: OperatingPoint, trims: [Int16], using generator: inout TestGenerator
    ) -> [UInt64] {
        let ones = probabilities(at: point, trims: trims)
        let coins = LaneCoins(ones)
        guard commonShift > 0 else {
            return (0..<count).flatMap { _ in coins.row(using: &generator) }
        }
        let up = LaneCoins(ones.map { min($0 + commonShift, 1) })
        let down = LaneCoins(ones.map { max($0 - commonShift, 0) })
        return (0..<count).flatMap { _ in
            generator.next() >> 63 == 0
                ? up.row(using: &generator) : down.row(using: &generator)
        }
    }
}

/// A coin for each lane, tossed 64 at a time: each probability is a binary fraction, whose digits say from
/// the last to the first whether a fair bit is joined by OR or by AND.
private struct LaneCoins {
    private static let digits = 16
    /// Word after word, the digits of its 64 lanes, the last digit first.
    private var digits: [UInt64]
    private var always: [UInt64]
    private let words: Int

    init(_ probabilities: [Double]) {
        words = probabilities.count / 64
        digits = [UInt64](repeating: 0, count: words * Self.digits)
        always = [UInt64](repeating: 0, count: words)
        for (lane, probability) in probabilities.enumerated() {
            let fraction = UInt64((probability * Double(1 << Self.digits)).rounded())
            let bit: UInt64 = 1 << (lane % 64)
            if fraction == 1 << Self.digits { always[lane / 64] |= bit }
            for digit in 0..<Self.digits where fraction >> digit & 1 == 1 {
                digits[lane / 64 * Self.digits + digit] |= bit
            }
        }
    }

    func row(using generator: inout TestGenerator) -> [UInt64] {
        (0..<words).map { word in
            var bits: UInt64 = 0
            for digit in 0..<Self.digits {
                let coin = generator.next()
                let ones = digits[word * Self.digits + digit]
                bits = (ones & (bits | coin)) | (~ones & bits & coin)
            }
            return bits | always[word]
        }
    }
}

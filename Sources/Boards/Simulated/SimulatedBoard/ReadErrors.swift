// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Reads of states that go wrong, each with the same probability.
///
/// From one wrong read to the next, the number of reads is geometrically distributed, so that only
/// the wrong ones cost time. A toggle is the sum of two reads: a wrong one changes two toggles.
struct ReadErrors {
    private let rate: Double
    private let changesToggles: Bool
    private var generator: SeedGenerator
    /// Reads that will go well before the next one that does not.
    private var distance: Int
    /// Lanes whose last state was read wrongly.
    private var open: [Int] = []

    init(rate: Double, changesToggles: Bool, seed: UInt64) {
        precondition(rate >= 0 && rate < 1)
        self.rate = rate
        self.changesToggles = changesToggles
        generator = .mixed(seed)
        distance = 0
        distance = draw()
    }

    private mutating func draw() -> Int {
        guard rate > 0 else { return .max }
        let uniform = 1 - Double.random(in: 0..<1, using: &generator)
        return Int(min(log(uniform) / log1p(-rate), 1e15))
    }

    /// Changes the rows of some shots that follow those of the call before.
    mutating func apply(to rows: UnsafeMutableBufferPointer<UInt64>, words: Int) {
        guard rate > 0 else { return }
        for lane in open { rows[lane / 64] ^= 1 << (lane % 64) }
        open.removeAll(keepingCapacity: true)
        let reads = rows.count * 64
        while distance < reads {
            rows[distance / 64] ^= 1 << (distance % 64)
            if changesToggles { changeNext(to: distance, in: rows, words: words) }
            distance += 1 + draw()
        }
        distance -= reads
    }

    private mutating func changeNext(
        to read: Int, in rows: UnsafeMutableBufferPointer<UInt64>, words: Int
    ) {
        let next = read + words * 64
        if next < rows.count * 64 {
            rows[next / 64] ^= 1 << (next % 64)
        } else {
            open.append(next - rows.count * 64)
        }
    }
}

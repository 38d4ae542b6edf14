// SPDX-License-Identifier: Apache-2.0

import TestSupport

/// Shots of lanes that are independent two-state chains, each with probabilities of its own, made
/// without the kernels.
package struct LaneStream {
    /// A lane that leaves 0 with probability `p01` and 1 with `p10`, in steps of 1 / 65,536.
    package struct Chain {
        package let p01: Double
        package let p10: Double

        package init(p01: Double, p10: Double) {
            self.p01 = p01
            self.p10 = p10
        }

        /// A lane without memory that is 1 with probability `ones`.
        package static func biased(_ ones: Double) -> Chain { Chain(p01: ones, p10: 1 - ones) }
        package static let ideal = biased(0.5)
        package static let stuck = Chain(p01: 0, p10: 0)
        /// A lane that changes in hardly any shot.
        package static func slow(_ change: Double) -> Chain { Chain(p01: change, p10: change) }
    }

    private let words: Int
    private var random: SeededGenerator
    private var row: [UInt64]
    // Thresholds in bit planes, the lowest first: the plane's words follow one another.
    private var p01: [UInt64]
    private var p10: [UInt64]
    // Lanes that always change, which 16 bits cannot say.
    private var always: (from0: [UInt64], from1: [UInt64])

    /// - Parameter lanes: a multiple of 64.
    package init(_ lanes: [Chain], seed: UInt64) {
        words = lanes.count / 64
        random = SeededGenerator(seed)
        row = random.words(words)
        p01 = Array(repeating: 0, count: 16 * words)
        p10 = p01
        always = (Array(repeating: 0, count: words), Array(repeating: 0, count: words))
        for (lane, chain) in lanes.enumerated() {
            set(chain.p01, ofLane: lane, in: &p01, always: &always.from0)
            set(chain.p10, ofLane: lane, in: &p10, always: &always.from1)
        }
    }

    private func set(
        _ probability: Double, ofLane lane: Int, in planes: inout [UInt64], always: inout [UInt64]
    ) {
        let threshold = Int((probability * 65536).rounded())
        let bit = UInt64(1) << (lane % 64)
        for plane in 0..<16 where threshold >> plane & 1 == 1 {
            planes[plane * words + lane / 64] |= bit
        }
        if threshold == 65536 { always[lane / 64] |= bit }
    }

    /// The next `shots` rows, without gaps.
    package mutating func rows(_ shots: Int) -> [UInt64] {
        var rows: [UInt64] = []
        rows.reserveCapacity(shots * words)
        for _ in 0..<shots {
            for word in 0..<words { advance(word) }
            rows.append(contentsOf: row)
        }
        return rows
    }

    private mutating func advance(_ word: Int) {
        let state = row[word]
        var less: UInt64 = 0
        for plane in stride(from: word, to: 16 * words, by: words) {
            let threshold = (state & p10[plane]) | (~state & p01[plane])
            let differ = random.next() ^ threshold
            less = (differ & threshold) | (~differ & less)
        }
        row[word] ^= less | (state & always.from1[word]) | (~state & always.from0[word])
    }
}

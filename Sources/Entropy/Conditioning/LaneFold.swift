// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Folds the lanes of a board onto one another by XOR: one bit of 1, 2 or 4 lanes.
///
/// Lane i goes with lane i + n/parts, and so on: devices far apart in the array, which share least.
/// Neighbouring bits of one lane are not folded, since what correlates them would survive.
package struct LaneFold: Sendable, Equatable {
    /// How many lanes make one; 1 folds nothing.
    package let parts: Int
    /// Into how many parts lanes can be folded.
    package static let choices = [1, 2, 4]

    package init(parts: Int) {
        precondition(Self.choices.contains(parts))
        self.parts = parts
    }

    /// Whether a board with this many lanes can be folded: parts must be whole words.
    package func fits(lanes: Int) -> Bool { lanes.isMultiple(of: 64 * parts) }

    /// The min-entropy of a folded bit.
    ///
    /// If nobody can predict a bit of one lane with more than 2^−H = ½ + e, whatever is known of the
    /// past and of what the lanes have in common, and the lanes are independent beyond that, then the
    /// XOR of k lanes is predicted with at most ½ + 2^(k−1)·e^k (Matsui's piling-up lemma, 1993).
    package func entropyPerBit(claimed: Double) -> Double {
        guard parts > 1 else { return claimed }
        let excess = exp2(-claimed) - 0.5
        return min(1, -log2(0.5 + exp2(Double(parts - 1)) * pow(excess, Double(parts))))
    }

    /// Bytes that a folded window of this many shots and words takes; 0 without folding.
    package func byteCount(shots: Int, words: Int) -> Int {
        parts == 1 ? 0 : shots * (words / parts) * 8
    }

    /// The lanes that are left: those all of whose parts are in `lanes`.
    ///
    /// - Parameter lanes: `words` words, a bit a lane; the first `words / parts` are changed.
    package func fold(mask lanes: UnsafeMutablePointer<UInt64>, words: Int) {
        let left = words / parts
        for word in 0..<left {
            for part in 1..<parts { lanes[word] &= lanes[word + part * left] }
        }
    }

    /// Folds rows.
    ///
    /// - Parameters:
    ///   - rows: `shots` rows of `stride` words, of which the first `words` are lanes.
    ///   - folded: receives `shots` rows of `words / parts` words.
    package func fold(
        rows: UnsafePointer<UInt64>, stride: Int, words: Int, shots: Int,
        into folded: UnsafeMutablePointer<UInt64>
    ) {
        let left = words / parts
        for shot in 0..<shots {
            let row = rows + shot * stride
            for word in 0..<left {
                var bits = row[word]
                for part in 1..<parts { bits ^= row[word + part * left] }
                folded[shot * left + word] = bits
            }
        }
    }
}

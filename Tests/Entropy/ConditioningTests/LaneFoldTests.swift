// SPDX-License-Identifier: Apache-2.0

import Conditioning
import Glibc
import TestSupport
import Testing

@Suite(
    "Folding of lanes: entropy of folded lanes against closed values; rows and masks against loops over lanes"
)
struct LaneFoldTests {
    struct Entropy: Sendable {
        let claim: Double
        let parts: Int
        let entropy: Double
    }

    /// −log2(½ + 2^(k−1)·(2^−H − ½)^k), worked out with 30 digits (mpmath).
    private static let entropies = [
        Entropy(claim: 0.5, parts: 1, entropy: 0.5),
        Entropy(claim: 0.5, parts: 2, entropy: 0.771_553_303_163_612),
        Entropy(claim: 0.5, parts: 4, entropy: 0.958_144_105_606_068),
        Entropy(claim: 0.8, parts: 1, entropy: 0.8),
        Entropy(claim: 0.8, parts: 2, entropy: 0.968_447_836_909_500),
        Entropy(claim: 0.8, parts: 4, entropy: 0.999_294_831_258_955),
        Entropy(claim: 1, parts: 1, entropy: 1),
        Entropy(claim: 1, parts: 2, entropy: 1),
        Entropy(claim: 1, parts: 4, entropy: 1),
    ]

    @Test("the entropy of a folded bit is that of the piling-up lemma", arguments: entropies)
    func entropy(example: Entropy) {
        let entropy = LaneFold(parts: example.parts).entropyPerBit(claimed: example.claim)
        #expect(abs(entropy - example.entropy) < 1e-14)
        #expect(entropy <= 1)
    }

    @Test(
        "it is that of the likeliest outcome of as many lanes, added up over all outcomes",
        arguments: LaneFold.choices, [0.1, 0.5, 0.8, 0.95])
    func enumeration(parts: Int, claim: Double) {
        let likeliest = exp2(-claim)
        let even = (0..<(1 << parts)).filter { $0.nonzeroBitCount.isMultiple(of: 2) }
        let probability = even.reduce(0) { sum, outcome in
            sum
                + (0..<parts).reduce(1) {
                    $0 * (outcome >> $1 & 1 == 0 ? likeliest : 1 - likeliest)
                }
        }
        let entropy = LaneFold(parts: parts).entropyPerBit(claimed: claim)
        #expect(abs(entropy + log2(max(probability, 1 - probability))) < 1e-12)
    }

    @Test("a board can be folded into parts of whole words only")
    func fitting() {
        for lanes in stride(from: 64, through: 4096, by: 64) {
            #expect(LaneFold(parts: 1).fits(lanes: lanes))
            #expect(LaneFold(parts: 2).fits(lanes: lanes) == (lanes % 128 == 0))
            #expect(LaneFold(parts: 4).fits(lanes: lanes) == (lanes % 256 == 0))
        }
    }

    struct Shape: Sendable {
        let parts: Int
        let words: Int
        let stride: Int
    }

    /// All numbers of words to 24 that fit, and the largest, in the stride of a health window.
    private static let shapes = LaneFold.choices.flatMap { parts in
        (Array(1...24) + [64]).filter { $0 % parts == 0 }
            .map { Shape(parts: parts, words: $0, stride: ($0 + 7) / 8 * 8) }
    }

    @Test(
        "rows are folded as lanes one by one are, and nothing is written beyond", arguments: shapes)
    func rows(shape: Shape) {
        let shots = 5
        let fold = LaneFold(parts: shape.parts)
        var random = SeededGenerator(UInt64(shape.words))
        // Padding is not zero.
        let rows = random.words(shots * shape.stride)
        let left = shape.words / shape.parts
        var folded = [UInt64](repeating: 0xa5a5, count: shots * left + 1)
        fold.fold(rows: rows, stride: shape.stride, words: shape.words, shots: shots, into: &folded)
        #expect(folded.removeLast() == 0xa5a5)
        for shot in 0..<shots {
            for lane in 0..<left * 64 {
                let bits = (0..<shape.parts).map { part in
                    let from = lane + part * left * 64
                    return rows[shot * shape.stride + from / 64] >> (from % 64) & 1
                }
                let bit = folded[shot * left + lane / 64] >> (lane % 64) & 1
                #expect(bit == bits.reduce(0, ^))
            }
        }
        let bytes = shape.parts == 1 ? 0 : shots * left * 8
        #expect(fold.byteCount(shots: shots, words: shape.words) == bytes)
    }

    @Test("a folded lane is there when all of its parts are", arguments: shapes)
    func masks(shape: Shape) {
        let fold = LaneFold(parts: shape.parts)
        var random = SeededGenerator(UInt64(shape.words + 100))
        let lanes = (0..<shape.words).map { _ in random.next() | random.next() }
        var folded = lanes
        fold.fold(mask: &folded, words: shape.words)
        let left = shape.words / shape.parts
        for lane in 0..<left * 64 {
            let isThere = (0..<shape.parts).allSatisfy { part in
                let from = lane + part * left * 64
                return lanes[from / 64] >> (from % 64) & 1 == 1
            }
            #expect((folded[lane / 64] >> (lane % 64) & 1 == 1) == isThere)
        }
        #expect(folded[left...] == lanes[left...], "the rest is as it was")
    }
}

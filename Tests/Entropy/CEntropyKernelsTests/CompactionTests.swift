// SPDX-License-Identifier: Apache-2.0

import CEntropyKernels
import TestMaterials
import TestSupport
import Testing

@Suite(
    "Compaction: any mask against a loop over bits; nothing is written beyond")
struct CompactionTests {
    struct Shape: Sendable {
        let words: Int
        let stride: Int
        let shots: Int
    }

    private static let shapes = [
        Shape(words: 1, stride: 8, shots: 61), Shape(words: 3, stride: 3, shots: 40),
        Shape(words: 8, stride: 8, shots: 17), Shape(words: 9, stride: 16, shots: 5),
        Shape(words: 64, stride: 64, shots: 3), Shape(words: 2, stride: 8, shots: 0),
    ]

    /// Bits one after another, lowest first in each byte.
    private static func pack(_ bits: [Bool]) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: (bits.count + 7) / 8)
        for (index, bit) in bits.enumerated() where bit { bytes[index / 8] |= 1 << (index % 8) }
        return bytes
    }

    private static func naive(_ rows: [UInt64], _ shape: Shape, mask: [UInt64]) -> [Bool] {
        var bits: [Bool] = []
        for shot in 0..<shape.shots {
            for lane in 0..<64 * shape.words {
                let row = rows[shot * shape.stride + lane / 64]
                if mask[lane / 64] >> (lane % 64) & 1 == 1 {
                    bits.append(row >> (lane % 64) & 1 == 1)
                }
            }
        }
        return bits
    }

    private static func masks(words: Int, random: inout SeededGenerator) -> [[UInt64]] {
        let all = [UInt64](repeating: .max, count: words)
        let none = [UInt64](repeating: 0, count: words)
        var lacksOne = all
        lacksOne[words - 1] = .max >> 1
        var onlyOne = none
        onlyOne[0] = 1
        let drawn = (0..<6).map { _ in random.words(words) }
        let sparse = (0..<4).map { _ in
            zip(random.words(words), random.words(words)).map { $0 & $1 & 0x8888_4444_2222_1111 }
        }
        return [all, none, lacksOne, onlyOne] + drawn + sparse + sparse.map { $0.map { ~$0 } }
    }

    @Test("the bits of the wanted lanes follow one another on every path", arguments: shapes)
    func equalsNaive(shape: Shape) {
        var random = SeededGenerator(7)
        let rows = random.words(shape.shots * shape.stride)
        for mask in Self.masks(words: shape.words, random: &random) {
            let bits = Self.naive(rows, shape, mask: mask)
            let expected = Self.pack(bits)
            for path in KernelPath.compaction {
                // A guard follows the 8 bytes that may be written beyond the bits.
                let room = expected.count + 8
                var out = [UInt8](repeating: 0xa5, count: room + 16)
                let written = ck_compact_rows(
                    path.features, rows, shape.stride, shape.words, shape.shots, mask, &out)
                #expect(written == bits.count, "\(path) \(shape)")
                #expect(Array(out[..<expected.count]) == expected, "\(path) \(shape)")
                #expect(out[room...].allSatisfy { $0 == 0xa5 }, "\(path) \(shape)")
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import CEntropyKernels
import TestMaterials
import TestSupport
import Testing

/// A window in strided rows, with three rows before it.
private struct StridedWindow {
    static let shots = Int(CK_WINDOW_SHOTS)
    static let before = 3

    let stride: Int
    let rows: [UInt64]

    /// Words in which a bit is one with probability ½, ¾ or ¼, or that are all one or all zero.
    init(stride: Int, seed: UInt64) {
        self.stride = stride
        var random = SeededGenerator(seed)
        rows = (0..<(Self.shots + Self.before) * stride).map { index in
            switch index % stride % 5 {
            case 0: random.next()
            case 1: random.next() | random.next()
            case 2: random.next() & random.next()
            case 3: .max
            default: 0
            }
        }
    }

    /// Runs a kernel on the window's first row.
    func withWindow(_ body: (UnsafePointer<UInt64>) -> Void) {
        rows.withUnsafeBufferPointer { buffer in
            if let base = buffer.baseAddress { body(base + Self.before * stride) }
        }
    }

    /// Row −1 is the one before the window. A negative lane is one of the row before, counted from its end.
    func isOne(_ shot: Int, _ lane: Int) -> Bool {
        let bit = (shot + Self.before) * stride * 64 + lane
        return rows[bit / 64] >> (bit % 64) & 1 == 1
    }

    func ones(_ shot: Int, words: Int, mask: [UInt64]) -> Int {
        (0..<words * 64).count { mask[$0 / 64] >> ($0 % 64) & 1 == 1 && isOne(shot, $0) }
    }

    /// What planes say of every lane, after a look at what lies behind them.
    func counts(_ planes: [UInt64]) -> [Int] {
        (0..<stride * 64).map { lane in
            (0..<Int(CK_COUNT_PLANES)).reduce(0) { total, plane in
                total | Int(planes[plane * stride + lane / 64] >> (lane % 64) & 1) << plane
            }
        }
    }

    /// Room for planes and one word more, to see that nothing is written beyond.
    var planes: [UInt64] {
        [UInt64](repeating: 0xa5a5_a5a5_a5a5_a5a5, count: Int(CK_COUNT_PLANES) * stride + 1)
    }
}

@Suite(
    "Kernels that compare lanes: differences, ones of a row and dissent against loops over bits, for every stride and mask, on every path"
)
struct LaneComparisonKernelTests {
    private static let strides = [8, 16, 24, 64]
    private static let beyond: UInt64 = 0xa5a5_a5a5_a5a5_a5a5

    @Test("changes are counted from the row before the window on", arguments: strides)
    func changes(stride: Int) {
        let window = StridedWindow(stride: stride, seed: UInt64(stride))
        let expected = (0..<stride * 64).map { lane in
            (0..<StridedWindow.shots).count {
                window.isOne($0, lane) != window.isOne($0 - 1, lane)
            }
        }
        for path in KernelPath.strips {
            var planes = window.planes
            window.withWindow { ck_count_differences(path.features, $0, stride, stride, 0, &planes) }
            #expect(window.counts(planes) == expected, "\(path)")
            #expect(planes.last == Self.beyond)
        }
    }

    @Test(
        "differences from any bit: earlier shots, other lanes of the word, other words, the end of the row before",
        .thorough, arguments: strides, [(0, 1), (0, 63), (1, 0), (1, 17), (7, 40), (16, 0), (19, 5)])
    func differences(stride: Int, predictor: (back: Int, rotation: Int)) {
        let window = StridedWindow(stride: stride, seed: UInt64(stride + predictor.back))
        let expected = (0..<stride * 64).map { lane in
            let bit = (lane % 64 - predictor.rotation + 64) % 64
            let other = (lane / 64 - predictor.back) * 64 + bit
            return (0..<StridedWindow.shots).count { window.isOne($0, lane) != window.isOne($0, other) }
        }
        for path in KernelPath.strips {
            var planes = window.planes
            window.withWindow {
                ck_count_differences(
                    path.features, $0, stride, predictor.back, UInt32(predictor.rotation), &planes)
            }
            #expect(window.counts(planes) == expected, "\(path)")
            #expect(planes.last == Self.beyond)
        }
    }

    @Test("counts are summed to 65,536", arguments: KernelPath.strips)
    func sums(path: KernelPath) {
        let window = StridedWindow(stride: 16, seed: 7)
        var planes = window.planes
        window.withWindow { ck_count_ones(path.features, $0, 16, &planes) }
        let count = 17
        var sums = [UInt64](repeating: 0, count: count * 16 + 1)
        for _ in 0..<64 { ck_add_counts(path.features, planes, 16, count, &sums) }
        var found = [Int](repeating: 0, count: 1024)
        for lane in found.indices {
            for plane in 0..<count {
                let bit = sums[plane * 16 + lane / 64] >> UInt64(lane % 64) & 1
                found[lane] += Int(bit) << plane
            }
        }
        #expect(found == window.counts(planes).map { 64 * $0 })
        #expect(found.contains(65_536) && sums.last == 0)
    }

    @Test("what is predicted too often, or its complement, is found at every cut-off", arguments: KernelPath.strips)
    func predictions(path: KernelPath) {
        let stride = 24
        let counts = (0..<stride * 64).map { min($0, 1024) }
        var planes = [UInt64](repeating: 0, count: Int(CK_COUNT_PLANES) * stride)
        for (lane, count) in counts.enumerated() {
            for plane in 0..<Int(CK_COUNT_PLANES) where count >> plane & 1 == 1 {
                planes[plane * stride + lane / 64] |= 1 << (lane % 64)
            }
        }
        for cutoffs: [UInt32] in [[513, 600], [664, 699], [1023, 1024]] {
            var warned = [UInt64](repeating: 0, count: stride)
            var failed = warned
            ck_compare_predictions(
                path.features, planes, Int(CK_COUNT_PLANES), stride, 1024, cutoffs, &warned, &failed)
            for (cutoff, mask) in zip(cutoffs, [warned, failed]) {
                let lanes = counts.indices.filter { mask[$0 / 64] >> ($0 % 64) & 1 == 1 }
                let expected = counts.indices.filter {
                    counts[$0] >= Int(cutoff) || 1024 - counts[$0] >= Int(cutoff)
                }
                #expect(lanes == expected)
            }
        }
    }

    @Test("no change at all, and one in every shot", arguments: KernelPath.strips)
    func extremeChanges(path: KernelPath) {
        // The first lanes of each word never change; the others do in every shot.
        let rows = (0..<(StridedWindow.shots + 1) * 8).map { index -> UInt64 in
            index / 8 % 2 == 0 ? 0x0000_0000_ffff_ffff : .max
        }
        var planes = [UInt64](repeating: 0, count: Int(CK_COUNT_PLANES) * 8)
        rows.withUnsafeBufferPointer { buffer in
            if let base = buffer.baseAddress {
                ck_count_differences(path.features, base + 8, 8, 8, 0, &planes)
            }
        }
        #expect(planes[..<80].allSatisfy { $0 == 0 })
        #expect(planes[80...].allSatisfy { $0 == 0xffff_ffff_0000_0000 }, "1,024 is 2^10")
    }

    /// Masks of some words: all lanes, none, the first, the last, any.
    private static func masks(words: Int) -> [[UInt64]] {
        let none = [UInt64](repeating: 0, count: words)
        var (first, last) = (none, none)
        first[0] = 1
        last[words - 1] = 1 << 63
        var random = SeededGenerator(UInt64(words))
        return [[UInt64](repeating: .max, count: words), none, first, last, random.words(words)]
    }

    @Test(
        "the ones of a row are those of the lanes in the mask, and of no padding", .thorough,
        arguments: [(8, 1), (8, 2), (8, 7), (8, 8), (16, 9), (16, 16), (24, 17), (64, 64)])
    func rowOnes(stride: Int, words: Int) {
        let window = StridedWindow(stride: stride, seed: UInt64(stride + words))
        for mask in Self.masks(words: words) {
            let expected = (0..<StridedWindow.shots).map {
                UInt16(window.ones($0, words: words, mask: mask))
            }
            for path in KernelPath.strips {
                var found = [UInt16](repeating: 0xa5a5, count: StridedWindow.shots + 1)
                window.withWindow {
                    ck_count_row_ones(path.features, $0, stride, words, mask, &found)
                }
                #expect(found.removeLast() == 0xa5a5, "written beyond")
                #expect(found == expected, "\(path)")
            }
        }
    }

    @Test("a row of 4,096 ones is counted", arguments: KernelPath.strips)
    func fullRow(path: KernelPath) {
        let rows = [UInt64](repeating: .max, count: StridedWindow.shots * 64)
        var found = [UInt16](repeating: 0, count: StridedWindow.shots)
        ck_count_row_ones(
            path.features, rows, 64, 64, [UInt64](repeating: .max, count: 64), &found)
        #expect(found.allSatisfy { $0 == 4096 })
    }

    @Test(
        "dissent is a difference from the majority, which takes more than half", .thorough,
        arguments: strides, [0, 1, 31, 32, 33, 300])
    func dissent(stride: Int, half: Int) {
        let window = StridedWindow(stride: stride, seed: UInt64(stride + half))
        // Any number of ones from 0 on, among them half and its neighbours.
        let rowOnes = (0..<StridedWindow.shots).map { UInt16(($0 * 7 + half) % (2 * half + 3)) }
        let expected = (0..<stride * 64).map { lane in
            (0..<StridedWindow.shots).count { shot in
                window.isOne(shot, lane) != (Int(rowOnes[shot]) > half)
            }
        }
        #expect(rowOnes.contains(UInt16(half)) && rowOnes.contains(UInt16(half + 1)))
        for path in KernelPath.strips {
            var planes = window.planes
            window.withWindow {
                ck_count_dissent(path.features, $0, stride, rowOnes, UInt32(half), &planes)
            }
            #expect(window.counts(planes) == expected, "\(path)")
            #expect(planes.last == Self.beyond)
        }
    }

    @Test(
        "rows are chosen by their number of ones alone, near the middle of what there is",
        arguments: [0, 4, 31, 256, 2048])
    func chosenRows(middle: Int) {
        let rowOnes = (0..<StridedWindow.shots).map { UInt16(($0 * 13) % (2 * middle + 3)) }
        let expected = rowOnes.indices.filter { (Int(rowOnes[$0]) + 4096 - middle) % 16 < 2 }
        #expect((1..<StridedWindow.shots).contains(expected.count))
        for path in KernelPath.strips {
            var chosen = [UInt16](repeating: 0, count: StridedWindow.shots)
            let count = ck_choose_rows(path.features, rowOnes, UInt16(middle), &chosen)
            #expect(chosen.prefix(count).map(Int.init) == expected, "\(path)")
        }
    }

    @Test("a digest is that of the lanes in the mask, and changes with each of them")
    func digests() {
        var random = SeededGenerator(8)
        let (row, mask) = (random.words(3), random.words(3))
        let key = random.words(3).map { $0 | 1 }
        let digest = { (row: [UInt64]) in ck_digest_row(row, 3, mask, key) }
        var seen: Set<UInt64> = [digest(row)]
        for lane in 0..<192 {
            var changed = row
            changed[lane / 64] ^= 1 << (lane % 64)
            let counts = mask[lane / 64] >> (lane % 64) & 1 == 1
            #expect(seen.insert(digest(changed)).inserted == counts, "lane \(lane)")
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import CEntropyKernels
import TestMaterials
import TestSupport
import Testing

/// A window in strided rows, with some rows before it.
private struct StridedWindow {
    static let shots = Int(CK_WINDOW_SHOTS)
    static let before = 20

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

    func count(_ path: KernelPath, back: Int, rotation: Int = 0, into planes: inout [UInt64]) {
        planes.withUnsafeMutableBufferPointer { buffer in
            let count = ck_prediction(back: back, rotation: UInt32(rotation), planes: buffer.baseAddress)
            withWindow { ck_count_predictions(path.features, $0, stride, [count], 1) }
        }
    }

    func countLanes(_ path: KernelPath) -> (ones: [UInt64], changes: [UInt64]) {
        var (ones, changes) = (planes, planes)
        var atRest = [UInt64](repeating: 0, count: stride)
        withWindow {
            ck_count_lanes(
                path.features, $0, stride, stride, UInt32(Self.before), &ones, &changes, &atRest)
        }
        return (ones, changes)
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

/// What `ck_compare_lanes` has to find, lane by lane.
private struct LaneComparison {
    let lanes: Int
    let rowOnes: [Int]
    /// Whether more than half of the lanes are one, in each row.
    let majority: [Bool]
    let dissent: [Int]

    init(_ window: StridedWindow, words: Int, mask: [UInt64]) {
        let counted = mask.reduce(0) { $0 + $1.nonzeroBitCount }
        let rowOnes = (0..<StridedWindow.shots).map { window.ones($0, words: words, mask: mask) }
        let majority = rowOnes.map { $0 > counted / 2 }
        lanes = counted
        self.rowOnes = rowOnes
        self.majority = majority
        dissent = (0..<window.stride * 64).map { lane in
            majority.indices.count { window.isOne($0, lane) != majority[$0] }
        }
    }
}

@Suite(
    "Kernels that compare lanes: differences, ones of a row and dissent, against loops over bits, for every stride and mask, on every path"
)
struct LaneComparisonKernelTests {
    private static let strides = [8, 16, 24, 64]
    private static let beyond: UInt64 = 0xa5a5_a5a5_a5a5_a5a5

    @Test("ones are counted, and changes from the row before the window on", arguments: strides)
    func changes(stride: Int) {
        let window = StridedWindow(stride: stride, seed: UInt64(stride))
        let expected = (0..<stride * 64).map { lane in
            (0..<StridedWindow.shots).count {
                window.isOne($0, lane) != window.isOne($0 - 1, lane)
            }
        }
        let ones = (0..<stride * 64).map { lane in (0..<StridedWindow.shots).count { window.isOne($0, lane) } }
        for path in KernelPath.strips {
            var planes = window.planes
            window.count(path, back: stride, into: &planes)
            #expect(window.counts(planes) == expected, "\(path)")
            #expect(planes.last == Self.beyond)
            let lanes = window.countLanes(path)
            #expect(window.counts(lanes.changes) == expected, "\(path)")
            #expect(window.counts(lanes.ones) == ones, "\(path)")
            #expect(lanes.changes.last == Self.beyond && lanes.ones.last == Self.beyond)
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
            window.count(path, back: predictor.back, rotation: predictor.rotation, into: &planes)
            #expect(window.counts(planes) == expected, "\(path)")
            #expect(planes.last == Self.beyond)
        }
    }

    @Test("counts are summed to 65,536", arguments: KernelPath.strips)
    func sums(path: KernelPath) {
        let window = StridedWindow(stride: 16, seed: 7)
        var planes = window.planes
        planes = window.countLanes(path).ones
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
                planes.withUnsafeMutableBufferPointer {
                    var changes = ck_prediction(back: 8, rotation: 0, planes: $0.baseAddress)
                    ck_count_predictions(path.features, base + 8, 8, &changes, 1)
                }
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

    @Test("several counts at once are those of each by itself", arguments: strides)
    func countsTogether(stride: Int) {
        let window = StridedWindow(stride: stride, seed: 3)
        let kinds = [(stride, 0), (2 * stride, 0), (0, 9), (3, 40)]
        for path in KernelPath.strips {
            var alone: [[UInt64]] = []
            for (back, rotation) in kinds {
                alone.append(window.planes)
                window.count(path, back: back, rotation: rotation, into: &alone[alone.count - 1])
            }
            var together = [UInt64](repeating: 0, count: kinds.count * window.planes.count)
            together.withUnsafeMutableBufferPointer { buffer in
                let counts = kinds.enumerated().map { index, kind in
                    ck_prediction(
                        back: kind.0, rotation: UInt32(kind.1),
                        planes: buffer.baseAddress.map { $0 + index * window.planes.count })
                }
                window.withWindow { ck_count_predictions(path.features, $0, stride, counts, counts.count) }
            }
            let planes = Int(CK_COUNT_PLANES) * stride
            for (index, expected) in alone.enumerated() {
                let start = index * window.planes.count
                #expect(together[start..<start + planes] == expected[..<planes], "\(path)")
            }
        }
    }

    @Test(
        "rows and lanes are compared among the lanes in the mask, and no padding", .thorough,
        arguments: [(8, 1), (8, 2), (8, 7), (8, 8), (16, 9), (16, 16), (24, 17), (64, 64)])
    func comparison(stride: Int, words: Int) {
        let window = StridedWindow(stride: stride, seed: UInt64(stride + words))
        for mask in Self.masks(words: words) {
            let expected = LaneComparison(window, words: words, mask: mask)
            for path in KernelPath.strips {
                var rowOnes = [UInt16](repeating: 0xa5a5, count: StridedWindow.shots + 1)
                var planes = window.planes
                var statistics = ck_row_statistics()
                window.withWindow {
                    ck_compare_lanes(path.features, $0, stride, words, mask, &rowOnes, &planes, &statistics)
                }
                #expect(rowOnes.removeLast() == 0xa5a5 && planes.last == Self.beyond, "written beyond")
                #expect(rowOnes.map(Int.init) == expected.rowOnes, "\(path)")
                #expect(window.counts(planes) == expected.dissent, "\(path)")
                #expect(Int(statistics.lanes) == expected.lanes)
                #expect(Int(statistics.majority_ones) == expected.majority.count { $0 })
                #expect(Int(statistics.sum) == expected.rowOnes.reduce(0, +))
                #expect(Int(statistics.sum_of_squares) == expected.rowOnes.reduce(0) { $0 + $1 * $1 })
            }
        }
    }

    @Test("a row of 4,096 ones is counted, and no lane differs from it", arguments: KernelPath.strips)
    func fullRow(path: KernelPath) {
        let rows = [UInt64](repeating: .max, count: StridedWindow.shots * 64)
        var found = [UInt16](repeating: 0, count: StridedWindow.shots)
        var dissent = [UInt64](repeating: .max, count: Int(CK_COUNT_PLANES) * 64)
        var statistics = ck_row_statistics()
        ck_compare_lanes(
            path.features, rows, 64, 64, [UInt64](repeating: .max, count: 64), &found, &dissent, &statistics)
        #expect(found.allSatisfy { $0 == 4096 })
        #expect(dissent.allSatisfy { $0 == 0 })
        #expect(statistics.majority_ones == 1024 && statistics.sum_of_squares == 4096 * 4096 * 1024)
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

    @Test("a digest is that of the lanes in the mask and the rows of its block, and changes with each of them")
    func digests() {
        let (words, blockRows) = (3, 2)
        var random = SeededGenerator(8)
        let (rows, mask) = (random.words(8 * 3), random.words(words).map { $0 | 1 << 63 })
        let key = random.words(words)
        /// The digest of the block that the last two rows form.
        let digest = { (path: KernelPath, rows: [UInt64]) in
            var digests: [UInt64] = [0, 0xa5a5]
            ck_digest_blocks(path.features, rows, 8, words, mask, key, [2], 1, blockRows, &digests)
            #expect(digests[1] == 0xa5a5, "written beyond")
            return digests[0]
        }
        var seen: Set<UInt64> = [digest(KernelPath.strips[0], rows)]
        for bit in 0..<rows.count * 64 {
            var changed = rows
            changed[bit / 64] ^= 1 << (bit % 64)
            let word = bit / 64 % 8
            let counts = bit / 512 > 0 && word < words && mask[word] >> (bit % 64) & 1 == 1
            let digests = KernelPath.strips.map { digest($0, changed) }
            #expect(digests.allSatisfy { $0 == digests[0] })
            #expect(seen.insert(digests[0]).inserted == counts, "bit \(bit)")
        }
        // Two bits of equal weight in different words, which a sum of products modulo 2^64 would not tell apart.
        var both = rows
        for word in [16, 17] { both[word] ^= 1 << 63 }
        #expect(!seen.contains(digest(KernelPath.strips[0], both)))
        let swapped = rows[..<8] + rows[16...] + rows[8..<16]
        #expect(!seen.contains(digest(KernelPath.strips[0], Array(swapped))), "their order counts")
    }
}

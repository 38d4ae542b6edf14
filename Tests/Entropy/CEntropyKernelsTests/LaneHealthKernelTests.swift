// SPDX-License-Identifier: Apache-2.0

import CEntropyKernels
import TestMaterials
import TestSupport
import Testing

/// The kernels by themselves, at cut-offs that no claim leads to; LaneHealthTests has the tests as
/// a whole.
@Suite(
    "Kernels of lane health: counts of ones, comparison at every cut-off, runs at any pair of cut-offs from 17 up"
)
struct LaneHealthKernelTests {
    private static let shots = Int(CK_WINDOW_SHOTS)

    /// A window of 1,024 lanes in which lane n has n ones, or n + 1 in the upper half of the lanes,
    /// at places that differ from lane to lane.
    private static func countedRows(stride: Int) -> [UInt64] {
        var rows = [UInt64](repeating: 0, count: shots * stride)
        for lane in 0..<1024 {
            let ones = lane < 512 ? lane : lane + 1
            for one in 0..<ones {
                // 515 is odd, so that the places of one lane are all different.
                rows[(one * 515 + lane * 77) % shots * stride + lane / 64] |= 1 << (lane % 64)
            }
        }
        return rows
    }

    @Test("ones are counted, from none to 1,024, on every path", arguments: KernelPath.strips)
    func counts(path: KernelPath) {
        let stride = 16
        let rows = Self.countedRows(stride: stride)
        var planes = [UInt64](repeating: .max, count: Int(CK_COUNT_PLANES) * stride)
        Self.countOnes(path, rows, stride: stride, into: &planes)
        for lane in 0..<1024 {
            let count = (0..<Int(CK_COUNT_PLANES)).reduce(0) { total, plane in
                total | Int(planes[plane * stride + lane / 64] >> (lane % 64) & 1) << plane
            }
            #expect(count == (lane < 512 ? lane : lane + 1))
        }
    }

    private static func countOnes(
        _ path: KernelPath, _ rows: [UInt64], stride: Int, into planes: inout [UInt64]
    ) {
        let before = 20
        let all = [UInt64](repeating: 0, count: before * stride) + rows
        var changes = planes
        var atRest = [UInt64](repeating: 0, count: stride)
        all.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            ck_count_lanes(
                path.features, base + before * stride, stride, stride, UInt32(before), &planes, &changes, &atRest)
        }
    }

    @Test("a count reaches a cut-off exactly when as many samples equal the first", arguments: KernelPath.strips)
    func comparison(path: KernelPath) {
        let stride = 16
        let rows = Self.countedRows(stride: stride)
        var planes = [UInt64](repeating: 0, count: Int(CK_COUNT_PLANES) * stride)
        Self.countOnes(KernelPath.strips[0], rows, stride: stride, into: &planes)
        for first in [UInt64.min, .max] {
            let firstRow = [UInt64](repeating: first, count: stride)
            for cutoff in 1...Self.shots {
                var found = [UInt64](repeating: 0x5555, count: stride)
                ck_compare_counts(path.features, planes, firstRow, stride, UInt32(cutoff), &found)
                let expected = (0..<stride).map { word in
                    (0..<64).reduce(UInt64(0)) { mask, bit in
                        let lane = word * 64 + bit
                        let ones = lane < 512 ? lane : lane + 1
                        let matches = first == 0 ? Self.shots - ones : ones
                        return mask | (matches >= cutoff ? 1 << bit : 0)
                    }
                }
                #expect(found == expected, "cut-off \(cutoff)")
            }
        }
    }

    /// `before` rows of history and a window, of one strip: a lane of word j changes in a shot with
    /// probability 1/4 (j = 0, 1) to 1/32 (j = 6, 7).
    private static func stickyRows(before: Int) -> [UInt64] {
        var random = SeededGenerator(UInt64(before))
        var row = random.words(8)
        return (0..<before + shots).flatMap { _ in
            for word in row.indices {
                row[word] ^= random.words(2 + word / 2).reduce(.max, &)
            }
            return row
        }
    }

    /// The longest run that ends in the window, for each lane.
    private static func longestRuns(_ rows: [UInt64], before: Int) -> [Int] {
        (0..<512).map { lane in
            var (run, longest, last) = (0, 0, UInt64(2))
            for row in 0..<before + shots {
                let sample = rows[row * 8 + lane / 64] >> (lane % 64) & 1
                run = sample == last ? run + 1 : 1
                last = sample
                if row >= before { longest = max(longest, run) }
            }
            return longest
        }
    }

    /// The same, where all lanes but some change in every shot.
    private static func rowsOfFewSticky(_ lanes: [Int], before: Int) -> [UInt64] {
        var masks = [UInt64](repeating: 0, count: 8)
        for lane in lanes { masks[lane / 64] |= 1 << (lane % 64) }
        return stickyRows(before: before).enumerated().map { index, word in
            let others: UInt64 = index / 8 % 2 == 0 ? 0 : .max
            return word & masks[index % 8] | others & ~masks[index % 8]
        }
    }

    @Test(
        "runs are found at any pair of cut-offs, on every path", .thorough,
        arguments: [17, 18, 20, 31, 32, 33, 34, 47, 48, 49, 50, 64, 65, 66], [0, 1, 2, 15, 16, 17, 40, 65])
    func runs(warning: Int, more: Int) {
        let failure = warning + min(more, warning - 1)
        let before = 2 * warning - 1
        let expected = expectRuns(in: Self.stickyRows(before: before), warning, failure)
        for count in expected { #expect((1..<512).contains(count), "the rows hold both: lanes with runs, and without") }
    }

    @Test(
        "runs of few lanes are found, which are looked at by themselves", .thorough,
        arguments: [17, 20, 21, 23, 24, 26, 27, 28, 31, 41], [[], [0], [511], [63, 256], [448, 450], [1, 100, 500]])
    func fewRuns(warning: Int, lanes: [Int]) {
        let expected = expectRuns(
            in: Self.rowsOfFewSticky(lanes, before: 2 * warning - 1), warning, 2 * warning - 1)
        #expect(expected[0] <= lanes.count)
    }

    @Test("a run is found at every place, at the cut-off and not below", arguments: [20, 26, 28, 41])
    func places(warning: Int) {
        let before = 2 * warning - 1
        for length in [warning - 1, warning] {
            for end in 0..<before + Self.shots - length {
                // One lane changes in every shot but in those of the run.
                var value: UInt64 = 0
                let rows = (0..<before + Self.shots).flatMap { row -> [UInt64] in
                    if !(end + 1..<end + length).contains(row) { value ^= 1 << 17 }
                    return [row % 2 == 0 ? value : value | ~(1 << 17)] + [UInt64](repeating: 0, count: 7)
                }
                let reaches = length == warning && end + length > before
                for path in KernelPath.strips {
                    let found = Self.find(rows, path, words: 1, warning, 2 * warning - 1)
                    #expect(found[0][0] == (reaches ? 1 << 17 : 0), "\(path), from \(end)")
                }
            }
        }
    }

    /// - Returns: how many lanes have runs of either kind.
    private func expectRuns(in rows: [UInt64], _ warning: Int, _ failure: Int) -> [Int] {
        let longest = Self.longestRuns(rows, before: 2 * warning - 1)
        let expected = [warning, failure].map { cutoff in
            (0..<8).map { word in
                (0..<64).reduce(UInt64(0)) {
                    $0 | (longest[word * 64 + $1] >= cutoff ? 1 << $1 : 0)
                }
            }
        }
        for path in KernelPath.strips {
            #expect(Self.find(rows, path, words: 8, warning, failure) == expected, "\(path)")
        }
        return expected.map { $0.reduce(0) { $0 + $1.nonzeroBitCount } }
    }

    /// By both kernels; the second one alone finds the same when it looks at all lanes.
    private static func find(
        _ rows: [UInt64], _ path: KernelPath, words: Int, _ warning: Int, _ failure: Int
    ) -> [[UInt64]] {
        var atRest = [UInt64](repeating: .max, count: 8)
        let found = find(rows, path, atRest: atRest, warning, failure)
        guard warning >= 20 else { return found }
        rows.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            var planes = [UInt64](repeating: 0, count: 2 * 8 * Int(CK_COUNT_PLANES))
            planes.withUnsafeMutableBufferPointer {
                guard let ones = $0.baseAddress else { return }
                ck_count_lanes(
                    path.features, base + (2 * warning - 1) * 8, 8, words, UInt32(warning), ones,
                    ones + 8 * Int(CK_COUNT_PLANES), &atRest)
            }
        }
        let filtered = find(rows, path, atRest: atRest, warning, failure)
        #expect(zip(filtered, found).allSatisfy { $0[..<words] == $1[..<words] }, "\(path)")
        return filtered
    }

    private static func find(
        _ rows: [UInt64], _ path: KernelPath, atRest: [UInt64], _ warning: Int, _ failure: Int
    ) -> [[UInt64]] {
        var scratch = [UInt64](repeating: .max, count: 3 * warning * 8)
        var warned = [UInt64](repeating: .max, count: 8)
        var failed = warned
        rows.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            ck_find_runs(
                path.features, base + (2 * warning - 1) * 8, 8, atRest, UInt32(warning), UInt32(failure),
                &scratch, &warned, &failed)
        }
        return [warned, failed]
    }
}

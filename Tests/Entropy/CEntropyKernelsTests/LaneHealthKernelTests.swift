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
        ck_count_ones(path.features, rows, stride, &planes)
        for lane in 0..<1024 {
            let count = (0..<Int(CK_COUNT_PLANES)).reduce(0) { total, plane in
                total | Int(planes[plane * stride + lane / 64] >> (lane % 64) & 1) << plane
            }
            #expect(count == (lane < 512 ? lane : lane + 1))
        }
    }

    @Test("a count reaches a cut-off exactly when as many samples equal the first")
    func comparison() {
        let stride = 16
        let rows = Self.countedRows(stride: stride)
        var planes = [UInt64](repeating: 0, count: Int(CK_COUNT_PLANES) * stride)
        ck_count_ones(0, rows, stride, &planes)
        for first in [UInt64.min, .max] {
            let firstRow = [UInt64](repeating: first, count: stride)
            for cutoff in 1...Self.shots {
                var found = [UInt64](repeating: 0x5555, count: stride)
                ck_compare_counts(planes, firstRow, stride, UInt32(cutoff), &found)
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

    @Test(
        "runs are found at any pair of cut-offs, on every path", .thorough,
        arguments: [17, 18, 20, 31, 32, 33, 34, 47, 48, 49, 50, 64, 65, 66], [0, 1, 2, 15, 16, 17, 40, 65])
    func runs(warning: Int, more: Int) {
        let failure = warning + min(more, warning - 1)
        let before = 2 * warning - 1
        let rows = Self.stickyRows(before: before)
        let longest = Self.longestRuns(rows, before: before)
        let expected = [warning, failure].map { cutoff in
            (0..<8).map { word in
                (0..<64).reduce(UInt64(0)) {
                    $0 | (longest[word * 64 + $1] >= cutoff ? 1 << $1 : 0)
                }
            }
        }
        for mask in expected {
            let count = mask.reduce(0) { $0 + $1.nonzeroBitCount }
            #expect((1..<512).contains(count), "the rows hold both: lanes with runs, and without")
        }
        for path in KernelPath.strips {
            var scratch = [UInt64](repeating: .max, count: 3 * warning * 8)
            var warned = [UInt64](repeating: 0, count: 8)
            var failed = warned
            rows.withUnsafeBufferPointer { buffer in
                guard let base = buffer.baseAddress else { return }
                ck_find_runs(
                    path.features, base + before * 8, 8, UInt32(warning), UInt32(failure),
                    &scratch, &warned, &failed)
            }
            #expect([warned, failed] == expected, "\(path)")
        }
    }
}

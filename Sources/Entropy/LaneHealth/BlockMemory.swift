// SPDX-License-Identifier: Apache-2.0

import CEntropyKernels
import CKernelSupport

/// Remembers blocks of rows by keyed digests, and finds those that come again: a file that is played over and over, a
/// buffer that is not refilled, a generator with a short period.
///
/// A block is as many rows as have 128 bits of min-entropy by the claim, with seven of eight lanes failed; with fewer
/// good lanes nothing is remembered. Which blocks are
/// remembered depends on their content alone, so that a repetition is found at whatever distance and alignment. There
/// are tables for one block of 4, 32, 256, 2,048 and 16,384, each of 1,024 entries, of which new ones replace old ones:
/// a repetition at a distance of up to some 16 million rows is found. Two blocks of an ideal source have the same digest
/// with probability 2^−64.
///
/// What it takes depends on the digests, which tell nothing without the key. For one thread; allocates nothing after
/// `init`.
final class BlockMemory {
    private static let tableEntries = 1_024
    /// The first table takes one block of 2^2, each of the next one of eight of the table before.
    private static let rarities = [2, 5, 8, 11, 14]
    private static let blockEntropy = 128.0
    /// At least one lane in this many has to be good.
    private static let leastShare = 8

    private let words: Int
    private let blockRows: Int
    private let key: [UInt64]
    /// Those of a window, after those of the last `blockRows` − 1 rows before it.
    private let digests: UnsafeMutablePointer<UInt64>
    /// How many of the rows before the window are known.
    private var rowsBefore = 0
    private let tables: UnsafeMutablePointer<UInt64>

    init(words: Int, claimedEntropyPerBit: Double) {
        self.words = words
        let rowEntropy = Double(words * 64 / Self.leastShare) * claimedEntropyPerBit
        blockRows = max(1, Int((Self.blockEntropy / rowEntropy).rounded(.up)))
        key = (0..<words).map { _ in .random(in: .min ... .max) | 1 }
        let digestCount = blockRows - 1 + HealthCutoffs.windowShots
        digests = .allocate(capacity: digestCount)
        digests.initialize(repeating: 0, count: digestCount)
        let entries = Self.rarities.count * Self.tableEntries
        tables = .allocate(capacity: entries)
        tables.initialize(repeating: 0, count: entries)
    }

    deinit {
        digests.deallocate()
        tables.deallocate()
    }

    /// Forgets which rows came last: those to come do not follow them. Remembered blocks stay.
    func forgetRow() { rowsBefore = 0 }

    /// Remembers the blocks that end in a window.
    ///
    /// - Parameter lanes: those that count, a bit each.
    /// - Returns: whether one of them was remembered already.
    func findRepeats(
        _ rows: UnsafePointer<UInt64>, stride: Int, lanes: UnsafePointer<UInt64>, features: ck_features
    ) -> Bool {
        let counted = (0..<words).reduce(0) { $0 + lanes[$1].nonzeroBitCount }
        guard counted >= words * 64 / Self.leastShare else {
            forgetRow()
            return false
        }
        let before = blockRows - 1
        ck_digest_rows(features, rows, stride, words, lanes, key, digests + before)
        var isRepeated = false
        for row in max(before, 2 * before - rowsBefore)..<before + HealthCutoffs.windowShots
        // The last row alone chooses what is remembered, which is cheap.
        where digests[row] >> (64 - Self.rarities[0]) == 0 && remember(blockEndingAt: row) {
            isRepeated = true
        }
        // The last rows are those before the next window.
        digests.update(from: digests + HealthCutoffs.windowShots, count: before)
        rowsBefore = before
        return isRepeated
    }

    /// Enters a block in each table that takes it.
    ///
    /// - Returns: whether it was in one.
    private func remember(blockEndingAt row: Int) -> Bool {
        let choice = digests[row]
        var digest: UInt64 = 0
        for back in 0..<blockRows { digest = (digest &+ digests[row - back]) &* 0x9e37_79b9_7f4a_7c15 }
        var isKnown = false
        for table in Self.rarities.indices where choice >> (64 - Self.rarities[table]) == 0 {
            let entry = tables + table * Self.tableEntries + Int(digest % UInt64(Self.tableEntries))
            isKnown = isKnown || entry.pointee == digest
            entry.pointee = digest
        }
        return isKnown
    }
}

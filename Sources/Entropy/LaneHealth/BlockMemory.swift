// SPDX-License-Identifier: Apache-2.0

import CEntropyKernels
import CKernelSupport

/// Remembers blocks of rows by keyed digests, and finds those that come again: a file that is played over and over, a
/// buffer that is not refilled, a generator with a short period.
///
/// A block is as many rows as have 128 bits of min-entropy by the claim, of the lanes that count. Which blocks are
/// remembered depends on their content alone, so that a repetition is found at whatever distance and alignment: those
/// whose last row `ck_choose_rows` chooses, one of eight and of few lanes up to one of two. There are tables for one of
/// 1, 8, 64, 512 and 4,096 of these, each of 1,024 entries, of which new ones replace old ones: a repetition at a
/// distance of up to some 32 million rows is found. Two blocks of an ideal source have the same digest with probability
/// 2^−64.
///
/// What it takes depends on the rows, and tells nothing but how many of them were chosen. For one thread; allocates
/// nothing after `init`.
final class BlockMemory {
    private static let tableEntries = 1_024
    /// A table takes the blocks whose digest begins with so many zeros.
    private static let rarities = [0, 3, 6, 9, 12]
    private static let blockEntropy = 128.0
    /// At least one lane in this many has to be good.
    private static let leastShare = 8

    private let words: Int
    private let claimedEntropyPerBit: Double
    private let key: [UInt64]
    private let tables: UnsafeMutablePointer<UInt64>
    private let chosen: UnsafeMutablePointer<UInt16>
    private let digests: UnsafeMutablePointer<UInt64>
    /// How many rows before the window belong to it.
    private var rowsBefore = 0

    /// - Parameter random: gives the key; who knows it can make rows that are taken for others.
    init(words: Int, claimedEntropyPerBit: Double, random: inout some RandomNumberGenerator) {
        self.words = words
        self.claimedEntropyPerBit = claimedEntropyPerBit
        key = (0..<words).map { _ in random.next() }
        let entries = Self.rarities.count * Self.tableEntries
        tables = .allocate(capacity: entries)
        tables.initialize(repeating: 0, count: entries)
        chosen = .allocate(capacity: HealthCutoffs.windowShots)
        chosen.initialize(repeating: 0, count: HealthCutoffs.windowShots)
        digests = .allocate(capacity: HealthCutoffs.windowShots)
        digests.initialize(repeating: 0, count: HealthCutoffs.windowShots)
    }

    deinit {
        tables.deallocate()
        chosen.deallocate()
        digests.deallocate()
    }

    /// The rows of a block, of which the first ones may lie before the window.
    static func mostRows(claimedEntropyPerBit: Double) -> Int {
        blockRows(lanes: 64 / leastShare, claimedEntropyPerBit)
    }

    private static func blockRows(lanes: Int, _ claimedEntropyPerBit: Double) -> Int {
        Int((blockEntropy / (Double(lanes) * claimedEntropyPerBit)).rounded(.up))
    }

    /// Forgets which rows came last: those to come do not follow them. Remembered blocks stay.
    func forgetRows() { rowsBefore = 0 }

    /// Remembers the blocks that end in a window.
    ///
    /// - Parameters:
    ///   - rows: the window, after the rows before it.
    ///   - lanes: those that count, a bit each.
    ///   - count: the number of these lanes.
    ///   - rowOnes: how many of them were one in each row.
    /// - Returns: whether a block was remembered already.
    func findRepeats(
        _ rows: UnsafePointer<UInt64>, stride: Int, lanes: UnsafePointer<UInt64>, count: Int,
        rowOnes: UnsafePointer<UInt16>, features: ck_features
    ) -> Bool {
        guard count >= words * 64 / Self.leastShare else { return false }
        let blockRows = Self.blockRows(lanes: count, claimedEntropyPerBit)
        // Near the middle of what there is, so that of few lanes no fewer rows are chosen.
        let chosenCount = ck_choose_rows(features, rowOnes, UInt16(count / 2), chosen)
        // A block that reaches before the rows there are is none.
        let cut = (0..<chosenCount).first { Int(chosen[$0]) + rowsBefore >= blockRows - 1 } ?? chosenCount
        ck_digest_blocks(
            features, rows, stride, words, lanes, key, chosen + cut, chosenCount - cut, blockRows, digests)
        var isRepeated = false
        for index in 0..<chosenCount - cut where remember(digests[index]) { isRepeated = true }
        rowsBefore = HealthCutoffs.windowShots
        return isRepeated
    }

    /// Enters a block in each table that takes it.
    ///
    /// - Returns: whether it was in one.
    private func remember(_ digest: UInt64) -> Bool {
        var isKnown = false
        for table in Self.rarities.indices {
            // The tables that take fewer take none that this one does not take.
            guard digest.leadingZeroBitCount >= Self.rarities[table] else { break }
            let entry = tables + table * Self.tableEntries + Int(digest % UInt64(Self.tableEntries))
            isKnown = isKnown || entry.pointee == digest
            entry.pointee = digest
        }
        return isKnown
    }
}

// SPDX-License-Identifier: Apache-2.0

/// The lanes of a lease, in the order in which its client numbers them, and their places in the rows of the board.
package struct LeasedLanes: Sendable, Equatable {
    /// The numbers of the board's lanes.
    package let numbers: [Int]
    /// A bit for each lane of the board: 1 for those of the lease.
    package let mask: [UInt64]

    /// - Parameters:
    ///   - numbers: different ones, each below 64 · `boardWords`.
    ///   - boardWords: words of a shot of the board.
    package init(_ numbers: [Int], boardWords: Int) {
        self.numbers = numbers
        var mask = [UInt64](repeating: 0, count: boardWords)
        for lane in numbers { mask[lane / 64] |= 1 << UInt64(lane % 64) }
        self.mask = mask
    }

    package var count: Int { numbers.count }

    /// Words of states in the order of the lease.
    package var words: Int { (count + 63) / 64 }

    /// Takes bits in the order of the lease to the places of the lanes on the board; all others are 0.
    package func onBoard(_ bits: [UInt64]) -> [UInt64] {
        var rows = [UInt64](repeating: 0, count: mask.count)
        for (index, lane) in numbers.enumerated() {
            rows[lane / 64] |= (bits[index / 64] >> UInt64(index % 64) & 1) << UInt64(lane % 64)
        }
        return rows
    }

    /// Takes bits from the places of the lanes on the board to the order of the lease; bits behind the last are 0.
    package func ofLease(_ rows: [UInt64]) -> [UInt64] {
        var bits = [UInt64](repeating: 0, count: words)
        for (index, lane) in numbers.enumerated() {
            bits[index / 64] |= (rows[lane / 64] >> UInt64(lane % 64) & 1) << UInt64(index % 64)
        }
        return bits
    }
}

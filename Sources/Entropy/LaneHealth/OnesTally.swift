// SPDX-License-Identifier: Apache-2.0

import CEntropyKernels

/// How many ones (or changes, or the like) each lane has given, kept in bit planes so that a window is added to all lanes at
/// once and at the same cost whatever it holds.
package struct OnesTally: Sendable {
    /// Enough for 2^20 ones a lane: a whole period of the monitor.
    private static let planeCount = 21
    private var planes: [UInt64]
    private let words: Int

    package init(words: Int) {
        self.words = words
        planes = [UInt64](repeating: 0, count: Self.planeCount * words)
    }

    /// Adds the counts of a window; at most 1,024 windows.
    ///
    /// - Parameter counts: `CK_COUNT_PLANES` planes, `stride` words apart.
    package mutating func add(_ counts: UnsafePointer<UInt64>, stride: Int) {
        for word in 0..<words {
            var carry: UInt64 = 0
            for plane in 0..<Self.planeCount {
                let index = plane * words + word
                let sum = planes[index]
                let addend = plane < Int(CK_COUNT_PLANES) ? counts[plane * stride + word] : 0
                let half = sum ^ addend
                planes[index] = half ^ carry
                carry = (sum & addend) | (half & carry)
            }
        }
    }

    /// Counts from 0 again, in the same memory.
    package mutating func reset() {
        for index in planes.indices { planes[index] = 0 }
    }

    package subscript(lane: Int) -> Int {
        (0..<Self.planeCount).reduce(0) { total, plane in
            total | Int(planes[plane * words + lane / 64] >> (lane % 64) & 1) << plane
        }
    }
}

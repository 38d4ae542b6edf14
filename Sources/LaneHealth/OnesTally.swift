// SPDX-License-Identifier: Apache-2.0

import CKernels

/// How many ones each lane has given, kept in bit planes so that a window is added to all lanes at
/// once and at the same cost whatever it holds.
struct OnesTally: Sendable {
    /// Enough for 2^47 ones a lane: years at a million shots a second.
    private static let planeCount = 48
    private var planes: [UInt64]
    private let words: Int

    init(words: Int) {
        self.words = words
        planes = [UInt64](repeating: 0, count: Self.planeCount * words)
    }

    /// Adds the counts of a window.
    ///
    /// - Parameter counts: `CK_COUNT_PLANES` planes, `stride` words apart.
    mutating func add(_ counts: UnsafePointer<UInt64>, stride: Int) {
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

    subscript(lane: Int) -> Int {
        (0..<Self.planeCount).reduce(0) { total, plane in
            total | Int(planes[plane * words + lane / 64] >> (lane % 64) & 1) << plane
        }
    }
}

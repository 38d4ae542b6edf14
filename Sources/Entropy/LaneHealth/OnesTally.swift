// SPDX-License-Identifier: Apache-2.0

import CEntropyKernels
import CKernelSupport

/// How many ones (or changes, or the like) each lane has given, kept in bit planes so that a window is added to all lanes at
/// once and at the same cost whatever it holds.
package struct OnesTally: Sendable {
    /// Enough for 2^20 ones a lane: a whole period of the monitor.
    private static let planeCount = 21
    private var planes: [UInt64]
    private let stride: Int

    package init(words: Int) {
        let strip = Int(CK_STRIP_WORDS)
        stride = (words + strip - 1) / strip * strip
        planes = [UInt64](repeating: 0, count: Self.planeCount * stride)
    }

    /// Adds the counts of a window; at most 1,024 windows.
    ///
    /// - Parameter counts: `CK_COUNT_PLANES` planes, `stride` words apart: the words rounded up to whole strips.
    package mutating func add(_ counts: UnsafePointer<UInt64>, stride: Int) {
        precondition(stride == self.stride)
        ck_add_counts(ck_features_here(), counts, stride, Self.planeCount, &planes)
    }

    /// Calls `body` with the counts in bit planes, and the number of these.
    func withPlanes(_ body: (UnsafePointer<UInt64>, Int) -> Void) {
        planes.withUnsafeBufferPointer { planes in
            if let base = planes.baseAddress { body(base, Self.planeCount) }
        }
    }

    /// Counts from 0 again, in the same memory.
    package mutating func reset() {
        for index in planes.indices { planes[index] = 0 }
    }

    /// Becomes equal to another one of as many words, in the same memory.
    mutating func take(_ other: OnesTally) {
        precondition(other.stride == stride)
        for index in planes.indices { planes[index] = other.planes[index] }
    }

    /// Sets the count of a lane to 0.
    mutating func forget(lane: Int) {
        for plane in 0..<Self.planeCount { planes[plane * stride + lane / 64] &= ~(1 << (lane % 64)) }
    }

    package subscript(lane: Int) -> Int {
        (0..<Self.planeCount).reduce(0) { total, plane in
            total | Int(planes[plane * stride + lane / 64] >> (lane % 64) & 1) << plane
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The rate of something that one thread counts, over the last quarter of a second or more. It needs no timer:
/// the counting thread works the rate out, and it reads as 0 once nothing was counted for two seconds.
package final class RateMeter: Sendable {
    private static let interval: UInt64 = 250_000_000
    private static let second: UInt64 = 1_000_000_000

    // Written by the counting thread.
    private let start = Atomic<UInt64>(0)
    private let counted = Atomic<UInt64>(0)
    private let rate = Atomic<UInt64>(0)
    private let updated = Atomic<UInt64>(0)

    package init() {}

    /// Counts `amount` more. For the counting thread only.
    ///
    /// - Parameter now: monotonic nanoseconds.
    package func add(_ amount: Int, now: UInt64) {
        let begin = start.load(ordering: .relaxed)
        // The first count, and the first after a rest, only starts the clock.
        guard begin != 0, now - begin < 4 * Self.second else { return restart(now) }
        let total = counted.load(ordering: .relaxed) + UInt64(amount)
        counted.store(total, ordering: .relaxed)
        guard now - begin >= Self.interval else { return }
        rate.store(total * Self.second / (now - begin), ordering: .relaxed)
        updated.store(now, ordering: .relaxed)
        restart(now)
    }

    /// Per second. Any thread.
    package func value(now: UInt64) -> Double {
        let last = updated.load(ordering: .relaxed)
        guard last != 0, now < last + 2 * Self.second else { return 0 }
        return Double(rate.load(ordering: .relaxed))
    }

    private func restart(_ now: UInt64) {
        start.store(now, ordering: .relaxed)
        counted.store(0, ordering: .relaxed)
    }
}

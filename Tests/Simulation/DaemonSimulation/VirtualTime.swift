// SPDX-License-Identifier: Apache-2.0

package import LinuxPlatform
import Synchronization

/// The time of a simulation: it stands still until the simulation moves it. Any thread.
package final class VirtualTime: Sendable {
    /// Not 0, which several parts take for "never".
    private let now = Atomic<UInt64>(1_000_000_000)

    package init() {}

    /// Nanoseconds.
    package var nanoseconds: UInt64 { now.load(ordering: .relaxed) }

    /// Moves the time on to a moment, if that is not past.
    package func advance(to moment: UInt64) {
        if moment > nanoseconds { now.store(moment, ordering: .relaxed) }
    }

    package func advance(by nanoseconds: UInt64) { now.add(nanoseconds, ordering: .relaxed) }

    package var clock: Clock {
        Clock(
            monotonicNanoseconds: { self.nanoseconds },
            secondsSinceEpoch: { 1_700_000_000 + Double(self.nanoseconds) / 1e9 })
    }
}

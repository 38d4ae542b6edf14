// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The clocks that a part of the program reads. Passed in wherever time decides something, so that a simulation
/// can move it. Any thread.
package struct Clock: Sendable {
    /// Nanoseconds since an arbitrary moment, never going back.
    package let monotonicNanoseconds: @Sendable () -> UInt64
    /// Seconds since the Unix epoch; goes back when the clock of the machine is set back.
    package let secondsSinceEpoch: @Sendable () -> Double
    /// Seconds since the machine was started, including those that it slept.
    package let secondsSinceBoot: @Sendable () -> Double

    /// - Parameter secondsSinceBoot: nil for a machine that was started at monotonic 0 and does not sleep.
    package init(
        monotonicNanoseconds: @escaping @Sendable () -> UInt64,
        secondsSinceEpoch: @escaping @Sendable () -> Double,
        secondsSinceBoot: (@Sendable () -> Double)? = nil
    ) {
        self.monotonicNanoseconds = monotonicNanoseconds
        self.secondsSinceEpoch = secondsSinceEpoch
        self.secondsSinceBoot = secondsSinceBoot ?? { Double(monotonicNanoseconds()) / 1e9 }
    }

    /// How long a wait may last that has to end at a moment in monotonic nanoseconds, in whole milliseconds and rounded
    /// up; nil for a moment that never comes.
    package func milliseconds(until moment: UInt64?) -> Int32? {
        guard let moment else { return nil }
        let now = monotonicNanoseconds()
        return moment <= now ? 0 : Int32(clamping: (moment - now + 999_999) / 1_000_000)
    }

    /// The clocks of the machine.
    package static let system = Clock(
        monotonicNanoseconds: { LinuxPlatform.monotonicNanoseconds() },
        secondsSinceEpoch: { LinuxPlatform.secondsSinceEpoch() },
        secondsSinceBoot: { LinuxPlatform.secondsSinceBoot() })
}

/// Nanoseconds since an arbitrary moment, never going back.
package func monotonicNanoseconds() -> UInt64 {
    let time = time(CLOCK_MONOTONIC)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// Seconds since the Unix epoch; goes back when the clock of the machine is set back.
package func secondsSinceEpoch() -> Double { seconds(CLOCK_REALTIME) }

/// Seconds since the machine was started, including those that it slept.
package func secondsSinceBoot() -> Double { seconds(CLOCK_BOOTTIME) }

private func seconds(_ clock: clockid_t) -> Double {
    let time = time(clock)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

private func time(_ clock: clockid_t) -> timespec {
    var time = timespec()
    clock_gettime(clock, &time)
    return time
}

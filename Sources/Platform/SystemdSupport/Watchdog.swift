// SPDX-License-Identifier: Apache-2.0

import CSystemd
package import LinuxPlatform

/// When the service manager's watchdog is to be told that the daemon lives (sd_watchdog_enabled(3)): only
/// while every thread moves, or rightly waits. For one thread.
package struct Watchdog {
    /// What a look at the threads says.
    package enum Finding: Equatable {
        /// The last look was just now.
        case notDue
        case alive
        /// These have not moved between two looks: the manager is to be left without word.
        case stopped([String])
    }

    /// In nanoseconds: half of the time in which the manager wants to hear.
    private let interval: UInt64
    private var due: UInt64
    private var watch: HeartbeatWatch

    /// - Parameter timeout: in which the manager wants to hear, in microseconds; above 0.
    package init(
        timeout: UInt64, threads: [(name: String, heartbeat: Heartbeat)],
        now: UInt64 = monotonicNanoseconds()
    ) {
        interval = timeout.multipliedReportingOverflow(by: 500).overflow ? .max / 4 : timeout * 500
        due = now
        watch = HeartbeatWatch(threads)
    }

    /// The timeout that the manager has set for this process, in microseconds; nil when it does not watch.
    package static var timeout: UInt64? {
        var microseconds: UInt64 = 0
        return sd_watchdog_enabled(0, &microseconds) > 0 && microseconds > 0 ? microseconds : nil
    }

    /// How long until the next look, in milliseconds, rounded up.
    package func wait(now: UInt64) -> Int32 {
        Int32(clamping: (max(due, now) - now + 999_999) / 1_000_000)
    }

    package mutating func look(now: UInt64) -> Finding {
        guard now >= due else { return .notDue }
        due = now + interval
        let stopped = watch.look()
        return stopped.isEmpty ? .alive : .stopped(stopped)
    }
}

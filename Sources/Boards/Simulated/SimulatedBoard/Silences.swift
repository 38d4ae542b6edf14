// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import LinuxPlatform

/// The stalls and absences of a simulated board that have begun.
///
/// The array stands still in a silence, so that silences are measured with a clock, not in shots.
struct Silences {
    private struct Silence {
        let fault: Fault
        /// In nanoseconds of the monotonic clock.
        let end: UInt64
    }

    private let clock: Clock
    private let shotsPerSecond: Double
    private var silences: [Silence] = []

    /// - Parameter shotsPerSecond: turns the length of an order into a time.
    init(clock: Clock, shotsPerSecond: Double) {
        self.clock = clock
        self.shotsPerSecond = shotsPerSecond
    }

    mutating func begin(_ orders: [FaultOrder]) {
        let now = clock.monotonicNanoseconds()
        silences += orders.map { order in
            let seconds = order.forShots.map { Double($0) / shotsPerSecond }
            // A silence that outlasts the clock has no end.
            let end = seconds.flatMap { UInt64(exactly: (Double(now) + $0 * 1e9).rounded()) }
            return Silence(fault: order.fault, end: end ?? .max)
        }
    }

    mutating func clear() { silences = [] }

    /// Whether the fault keeps the board silent now.
    mutating func contains(_ fault: Fault) -> Bool {
        if silences.isEmpty { return false }
        let now = clock.monotonicNanoseconds()
        silences.removeAll { $0.end <= now }
        return silences.contains { $0.fault == fault }
    }
}

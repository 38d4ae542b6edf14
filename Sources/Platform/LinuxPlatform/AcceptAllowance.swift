// SPDX-License-Identifier: Apache-2.0

/// The time that a server may spend on accepting connections: an eighth of its thread's time, and up to 5 ms at once,
/// so that clients that only connect do not hold up those that are served. A burst of hundreds is accepted at once.
///
/// Times are in monotonic nanoseconds.
package struct AcceptAllowance: Sendable {
    private static let divisor: Int64 = 8
    private static let most: Int64 = 5_000_000
    /// A longer turn, in which the thread was probably not running, is charged as this.
    private static let mostCharged: Int64 = 1_000_000
    /// What there has to be before accepting resumes.
    private static let least: Int64 = 125_000

    private var nanoseconds = most
    private var updated: UInt64

    package init(now: UInt64) { updated = now }

    /// Whether nothing is left.
    package var isUsedUp: Bool { nanoseconds <= 0 }

    /// When accepting may resume after the allowance was used up.
    package var restEnd: UInt64 { updated + UInt64(max(0, Self.least - nanoseconds) * Self.divisor) }

    /// Adds what has accrued until now.
    package mutating func accrue(now: UInt64) {
        let elapsed = Int64(clamping: now - min(updated, now))
        nanoseconds = min(Self.most, nanoseconds + elapsed / Self.divisor)
        updated = max(updated, now)
    }

    /// Charges for the time since the last update, which was spent on accepting.
    package mutating func charge(now: UInt64) {
        let elapsed = Int64(clamping: now - min(updated, now))
        nanoseconds -= min(elapsed, Self.mostCharged)
        updated = max(updated, now)
    }
}

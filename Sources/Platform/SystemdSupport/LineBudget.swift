// SPDX-License-Identifier: Apache-2.0

/// A number of lines that may be written at once, and that comes back with time, a line at a time. For one thread; times
/// are monotonic nanoseconds.
package struct LineBudget: Sendable {
    private let lines: UInt64
    /// Nanoseconds until a line that was taken is back.
    private let recovery: UInt64
    /// When all lines are back.
    private var isFullAt: UInt64 = 0

    /// - Parameters:
    ///   - lines: the number of lines of a full budget.
    ///   - recovery: nanoseconds from one line that comes back to the next.
    package init(lines: Int, recovery: UInt64) {
        self.lines = UInt64(lines)
        self.recovery = recovery
    }

    /// Takes a line.
    ///
    /// - Returns: false when none is left.
    package mutating func take(now: UInt64) -> Bool {
        let missing = isFullAt > now ? isFullAt - now : 0
        guard missing + recovery <= lines * recovery else { return false }
        isFullAt = now + missing + recovery
        return true
    }
}

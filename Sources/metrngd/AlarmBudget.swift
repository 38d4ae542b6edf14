// SPDX-License-Identifier: Apache-2.0

/// How many alarms of lanes are told one by one. A marginal array raises thousands in a second, which
/// would fill a disk and hide everything else.
struct AlarmBudget {
    private static let alarms = 600
    /// In nanoseconds.
    private static let period: UInt64 = 10_000_000_000

    private var periodEnd: UInt64 = 0
    private var told = 0
    private var untold = 0

    /// Takes an alarm into account.
    ///
    /// - Returns: whether it is to be told.
    mutating func admits() -> Bool {
        told += 1
        if told > Self.alarms { untold += 1 }
        return told <= Self.alarms
    }

    /// Begins the next period if it is time.
    ///
    /// - Parameter now: monotonic nanoseconds.
    /// - Returns: how many alarms of the period before were not told.
    mutating func renew(now: UInt64) -> Int {
        guard now >= periodEnd else { return 0 }
        defer { self = AlarmBudget(periodEnd: now + Self.period) }
        return untold
    }

    init() {}

    private init(periodEnd: UInt64) { self.periodEnd = periodEnd }
}

// SPDX-License-Identifier: Apache-2.0

/// A filter for repeated log messages: each is written once, and then summed up once a period. A marginal lane
/// fails several times a second, and a marginal array has thousands of such lanes; their messages would fill a
/// disk and hide everything else. For one thread; times are monotonic nanoseconds.
package struct RepeatedMessages<Message: Hashable> {
    /// How much is written.
    package struct Limits {
        /// The time from a message to the sum of its repetitions.
        package let period: UInt64
        /// The most lines written in an interval.
        package let lines: Int
        package let interval: UInt64

        package init(period: UInt64, lines: Int, interval: UInt64) {
            self.period = period
            self.lines = lines
            self.interval = interval
        }
    }

    private struct Record {
        var since: UInt64
        /// The amount not written since then.
        var untold: Int
    }

    private let limits: Limits
    /// The messages of the last period or two.
    private var records: [Message: Record] = [:]
    private var intervalEnd: UInt64 = 0
    private var linesLeft = 0
    /// The time at which there may be something to sum up; nil when nothing is.
    package private(set) var due: UInt64?

    package init(_ limits: Limits) { self.limits = limits }

    /// Records a message.
    ///
    /// - Parameter amount: the amount to sum up.
    /// - Returns: whether to write it now.
    package mutating func admits(_ message: Message, amount: Int = 1, now: UInt64) -> Bool {
        if let record = records[message], now < record.since + limits.period || record.untold > 0 {
            records[message]?.untold += amount
            expect(record.since + limits.period)
            return false
        }
        let isWritten = takeLine(now)
        records[message] = Record(since: now, untold: isWritten ? 0 : amount)
        if !isWritten { expect(now + limits.period) }
        return isWritten
    }

    /// The messages to write now, each with the sum of its unwritten amounts.
    package mutating func sums(now: UInt64) -> [(message: Message, amount: Int)] {
        guard let due, now >= due else { return [] }
        var sums: [(message: Message, amount: Int)] = []
        self.due = nil
        records = records.filter { now < $1.since + limits.period || $1.untold > 0 }
        for (message, record) in records where record.untold > 0 {
            let end = record.since + limits.period
            if now >= end, takeLine(now) {
                sums.append((message, record.untold))
                records[message] = Record(since: now, untold: 0)
            } else {
                expect(max(end, now >= end ? intervalEnd : 0))
            }
        }
        return sums
    }

    private mutating func expect(_ moment: UInt64) { due = min(due ?? .max, moment) }

    private mutating func takeLine(_ now: UInt64) -> Bool {
        if now >= intervalEnd {
            intervalEnd = now + limits.interval
            linesLeft = limits.lines
        }
        guard linesLeft > 0 else { return false }
        linesLeft -= 1
        return true
    }
}

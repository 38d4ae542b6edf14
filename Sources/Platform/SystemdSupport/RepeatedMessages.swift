// SPDX-License-Identifier: Apache-2.0

/// Which of messages that come again and again are written to a log: each once, and then in sum once a period. A
/// lane at the edge of a test fails several times a second, and a marginal array has thousands of those: they
/// would fill a disk, and hide everything else. For one thread; times are monotonic nanoseconds.
package struct RepeatedMessages<Message: Hashable> {
    /// How much is written.
    package struct Limits {
        /// From a message to the sum of those like it.
        package let period: UInt64
        /// So many lines at most in a while.
        package let lines: Int
        package let `while`: UInt64

        package init(period: UInt64, lines: Int, while: UInt64) {
            self.period = period
            self.lines = lines
            self.while = `while`
        }
    }

    private struct Record {
        var since: UInt64
        /// What was not written since then.
        var untold: Int
    }

    private let limits: Limits
    /// Of what came in the last period or two.
    private var records: [Message: Record] = [:]
    private var whileEnds: UInt64 = 0
    private var linesLeft = 0
    /// When there may be something to sum up; nil when nothing is untold.
    package private(set) var due: UInt64?

    package init(_ limits: Limits) { self.limits = limits }

    /// Takes a message into account.
    ///
    /// - Parameter amount: what is summed up.
    /// - Returns: whether it is to be written by itself.
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

    /// What is to be written now: messages, each with the sum of what was not.
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
                expect(max(end, now >= end ? whileEnds : 0))
            }
        }
        return sums
    }

    private mutating func expect(_ moment: UInt64) { due = min(due ?? .max, moment) }

    private mutating func takeLine(_ now: UInt64) -> Bool {
        if now >= whileEnds {
            whileEnds = now + limits.while
            linesLeft = limits.lines
        }
        guard linesLeft > 0 else { return false }
        linesLeft -= 1
        return true
    }
}

// SPDX-License-Identifier: Apache-2.0

/// Which of messages that come again and again are written to a log: each once, and then at most once in a
/// period, with how many of it were not. A lane at the edge of a test fails several times a second, and would
/// fill a disk. For one thread.
package struct RepeatedMessages<Message: Hashable> {
    private struct Record {
        /// In monotonic nanoseconds.
        var toldAt: UInt64
        var untold = 0
    }

    private let period: UInt64
    /// Of every message that ever came.
    private var records: [Message: Record] = [:]

    /// - Parameter period: in nanoseconds.
    package init(period: UInt64) { self.period = period }

    /// Takes a message into account.
    ///
    /// - Parameter now: monotonic nanoseconds.
    /// - Returns: how many like it were not written since the last that was; nil when this one is not to be.
    package mutating func admits(_ message: Message, now: UInt64) -> Int? {
        guard let record = records[message] else {
            records[message] = Record(toldAt: now)
            return 0
        }
        guard now - record.toldAt >= period else {
            records[message]?.untold += 1
            return nil
        }
        records[message] = Record(toldAt: now)
        return record.untold
    }
}

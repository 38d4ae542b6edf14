// SPDX-License-Identifier: Apache-2.0

package import DaemonConfiguration
package import EntropyPipeline
package import Logging
import SystemdSupport

/// Writes what boards report into the log: everything that is rare, and of what comes again and again how often it came,
/// once a minute. However a board fails, it fills no disk. For one thread.
package struct EventLog {
    /// What the log has to know of a board.
    package struct Board {
        package let kind: BoardSettings.Kind
        package let healthEpoch: UInt32

        package init(kind: BoardSettings.Kind, healthEpoch: UInt32) {
            self.kind = kind
            self.healthEpoch = healthEpoch
        }
    }

    /// From an event that is not logged to the line that sums it up, in nanoseconds.
    private static let period: UInt64 = 60_000_000_000
    /// Enough for every lane of an array of 512 to be named at once, and ten more a minute.
    private static let alarmBudget = LineBudget(lines: 600, recovery: 6_000_000_000)
    /// Enough for what people do with a board, and two more a minute.
    private static let stateBudget = LineBudget(lines: 40, recovery: 30_000_000_000)

    private let logger: Logger
    private let board: (String) -> Board?
    private var alarms = RepeatedMessages<BoardEvent, Int?>(period: period, budget: alarmBudget)
    /// By the name of the board.
    private var states: [String: LimitedLines] = [:]
    private var losses = LimitedLines(budget: LineBudget(lines: 1, recovery: period), period: period)

    /// - Parameter board: finds a board by its name.
    package init(_ logger: Logger, board: @escaping (String) -> Board?) {
        self.logger = logger
        self.board = board
    }

    /// How long until there is something to sum up, in milliseconds; nil when nothing is.
    package func wait(now: UInt64) -> Int32? {
        let due = states.values.map(\.due) + [alarms.due, losses.due]
        return due.compactMap { $0 }.min().map { Int32(clamping: (max($0, now) - now + 999_999) / 1_000_000) }
    }

    package mutating func write(_ event: PipelineEvent, of name: String, now: UInt64) {
        let line = event.logLine(of: board(name)?.kind)
        if line.level >= .warning, let repeated = event.repeated {
            let group = BoardEvent(board: name, event: repeated)
            guard alarms.admits(group, event.lane, amount: event.amount, now: now) else { return }
        }
        if event.isStateChange {
            let none = LimitedLines(budget: Self.stateBudget, period: Self.period)
            guard states[name, default: none].admits(line, now: now) else { return }
        }
        write(line, of: name)
    }

    /// Writes the sums of what was not logged one by one, when they are due.
    package mutating func writeSums(now: UInt64) {
        for sum in alarms.sums(now: now) {
            write(sum.group.event.sum(of: sum.subjects, amount: sum.amount), of: sum.group.board)
        }
        for (name, lines) in states {
            guard let (count, last) = lines.untold(now: now) else { continue }
            states[name]?.clear()
            let text = "since then, its state changed \(count) times; the last one: \(last.text)"
            write(LogLine(last.event, last.level, text, last.fields), of: name)
        }
        if let (count, line) = losses.untold(now: now) {
            losses.clear()
            logger.log(line.event, line.level, "\(count) \(line.text)")
        }
    }

    /// Logs the number of events that came too fast to be logged one by one.
    package mutating func writeLoss(_ count: Int, now: UInt64) {
        guard count > 0 else { return }
        let line = LogLine(
            .laneFailed, .warning, "lane failures and losses came too fast to be logged; see mectl health")
        guard losses.admits(line, amount: count, now: now) else { return }
        logger.log(line.event, line.level, "\(count) \(line.text)")
    }

    /// A line is filed under its board, with the health epoch of now.
    private func write(_ line: LogLine, of name: String) {
        let fields: Logger.Metadata = [
            JournalField.board: "\(name)", JournalField.epoch: "\(board(name)?.healthEpoch ?? 0)",
        ]
        logger.log(
            line.event, line.level, "board \(name): \(line.text)", line.fields.merging(fields) { $1 })
    }
}

/// The events that are summed up together.
private struct BoardEvent: Hashable {
    let board: String
    let event: RepeatedEvent
}

/// Lines that are written as far as a budget allows; others are counted, and summed up once a period.
private struct LimitedLines {
    private var budget: LineBudget
    private let period: UInt64
    private var count = 0
    private var last: LogLine?
    /// When there is something to sum up; nil when nothing is.
    private(set) var due: UInt64?

    init(budget: LineBudget, period: UInt64) {
        self.budget = budget
        self.period = period
    }

    /// - Returns: whether to write the line now.
    mutating func admits(_ line: LogLine, amount: Int = 1, now: UInt64) -> Bool {
        if due == nil, budget.take(now: now) { return true }
        due = due ?? now + period
        last = line
        let (sum, overflow) = count.addingReportingOverflow(amount)
        count = overflow ? .max : sum
        return false
    }

    /// The number of lines that were not written, and the last of them; nil while there is nothing to sum up.
    func untold(now: UInt64) -> (count: Int, last: LogLine)? {
        guard let due, now >= due else { return nil }
        return last.map { (count, $0) }
    }

    mutating func clear() {
        due = nil
        last = nil
        count = 0
    }
}

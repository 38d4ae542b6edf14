// SPDX-License-Identifier: Apache-2.0

import DaemonConfiguration
import EntropyRing
import LinuxPlatform
import Logging
import Synchronization
import SystemdSupport

/// Writes what boards report into the log: all that is rare, and of what comes again and again once a minute how
/// much there was. For one thread.
struct EventLog {
    private static let limits = RepeatedMessages<BoardEvent>.Limits(
        period: 60_000_000_000, lines: 600, interval: 10_000_000_000)

    private let logger: Logger
    private let units: [BoardUnit]
    private var repeated = RepeatedMessages<BoardEvent>(limits)

    init(_ logger: Logger, units: [BoardUnit]) {
        self.logger = logger
        self.units = units
    }

    /// How long until there is something to sum up, in milliseconds; nil when nothing is.
    func wait(now: UInt64) -> Int32? {
        repeated.due.map { Int32(clamping: (max($0, now) - now + 999_999) / 1_000_000) }
    }

    mutating func write(_ entry: EventQueue.Entry, now: UInt64) {
        let line = entry.event.logLine(of: unit(entry.board)?.settings.kind)
        if let event = entry.event.repeated, line.level >= .warning,
            !repeated.admits(
                BoardEvent(board: entry.board, event: event), amount: entry.event.amount, now: now)
        {
            return
        }
        write(line, of: entry.board)
    }

    /// Writes the sums of repeated events when they are due.
    mutating func writeSums(now: UInt64) {
        for (event, amount) in repeated.sums(now: now) {
            write(event.event.sum(amount), of: event.board)
        }
    }

    /// Logs the number of events that came too fast to be logged one by one.
    func writeLoss(_ count: Int) {
        guard count > 0 else { return }
        logger.log(
            .laneFailed, .warning,
            "\(count) lane failures and losses came too fast to be logged; see mectl health")
    }

    /// A line is filed under its board, with the health epoch of now.
    private func write(_ line: LogLine, of board: String) {
        let epoch = unit(board)?.source.healthEpoch.load(ordering: .relaxed) ?? 0
        let fields: Logger.Metadata = [
            JournalField.board: "\(board)", JournalField.epoch: "\(epoch)",
        ]
        logger.log(
            line.event, line.level, "board \(board): \(line.text)",
            line.fields.merging(fields) { $1 })
    }

    private func unit(_ board: String) -> BoardUnit? {
        units.first { $0.settings.name == board }
    }
}

/// What is told once in a while.
private struct BoardEvent: Hashable {
    let board: String
    let event: RepeatedEvent
}

// SPDX-License-Identifier: Apache-2.0

import DaemonConfiguration
import EntropyTerms
import Glibc
import LinuxPlatform
import Logging
import Synchronization
import SystemdSupport

/// The lowest level that is written, for all loggers; changed on a reload.
let logThreshold = Atomic<Int>(Logger.Level.info.severity)

/// The daemon's log: entries of the journal where the standard error goes there, otherwise lines on the
/// standard error, with the program's name and the level in words.
struct DaemonLog: LogHandler {
    var metadata: Logger.Metadata = [:]
    /// Always everything: `logThreshold` decides, so that a reload reaches every copy.
    var logLevel: Logger.Level = .trace
    /// Nil where the standard error is no stream to the journal.
    private static let journal = JournalSocket.takesStandardError ? try? JournalSocket() : nil
    /// How long the end of the program waits for the journal, in milliseconds.
    private static let patience: Int32 = 200

    static let logger = Logger(label: "metrngd") { _ in DaemonLog() }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        guard event.level.severity >= logThreshold.load(ordering: .relaxed) else { return }
        if let journal = Self.journal {
            journal.send(fields(of: event))
        } else {
            for line in "\(event.message)".split(separator: "\n") {
                write("metrngd: \(event.level.rawValue): \(String(line).printable)")
            }
        }
    }

    /// Sends entries that the journal has not taken yet. Never waits.
    ///
    /// - Returns: milliseconds until the next attempt; nil when nothing is left.
    static func flush() -> Int32? { journal?.flush() }

    /// Flushes at the end of the program, and waits for the journal for a while.
    static func finish() {
        var left = patience
        while let delay = flush(), left > 0 {
            left -= delay
            usleep(useconds_t(delay) * 1_000)
        }
    }

    /// Writes the reason that the program ends, waiting for a slow reader.
    static func complain(_ event: JournalEvent, _ message: String) {
        if journal != nil {
            logger.log(event, .error, "\(message)")
            finish()
        } else {
            for line in message.split(separator: "\n") {
                writeToStandardError("metrngd: error: \(String(line).printable)\n")
            }
        }
    }

    private func fields(of event: LogEvent) -> [JournalSocket.Field] {
        let lines = "\(event.message)".split(separator: "\n").map { String($0).printable }
        let own: [JournalSocket.Field] = [
            ("MESSAGE", lines.joined(separator: "\n")), ("PRIORITY", "\(event.level.journalPriority)"),
            ("SYSLOG_IDENTIFIER", "metrngd"),
        ]
        return own + metadata.merging(event.metadata ?? [:]) { $1 }.map { ($0, "\($1)".printable) }
    }

    /// Writes a line and a line feed, or drops it when the reader is blocked: a daemon must not hang because its log does.
    private func write(_ line: String) {
        var request = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
        guard poll(&request, 1, 0) == 1 else { return }
        // A pipe that is ready takes PIPE_BUF bytes (4,096) without waiting.
        let bytes = line.utf8.prefix(4095) + [UInt8(ascii: "\n")]
        _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
    }
}

extension Logger.Level {
    /// Rises with severity.
    var severity: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    /// The priority of syslog(3).
    var journalPriority: Int {
        switch self {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}

extension LogSettings.Level {
    var loggerLevel: Logger.Level {
        switch self {
        case .debug: .debug
        case .info: .info
        case .warning: .warning
        case .error: .error
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import DaemonConfiguration
import Glibc
import Logging
import Synchronization
import SystemdSupport

/// The least severe level that is written, for all loggers; changed on a reload.
let logThreshold = Atomic<Int>(Logger.Level.info.severity)

/// The daemon's log: entries of the journal where the standard error goes there, otherwise lines on the
/// standard error, with the program's name and the level in words.
struct DaemonLog: LogHandler {
    var metadata: Logger.Metadata = [:]
    /// Always everything: `logThreshold` decides, so that a reload reaches every copy.
    var logLevel: Logger.Level = .trace
    private let journal = JournalSocket.takesStandardError ? try? JournalSocket() : nil

    static let logger = Logger(label: "metrngd") { _ in DaemonLog() }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        guard event.level.severity >= logThreshold.load(ordering: .relaxed) else { return }
        if let journal {
            journal.send(fields(of: event))
        } else {
            for line in "\(event.message)".split(separator: "\n") {
                write("metrngd: \(event.level.rawValue): \(line)\n")
            }
        }
    }

    private func fields(of event: LogEvent) -> [JournalSocket.Field] {
        let own: [JournalSocket.Field] = [
            ("MESSAGE", "\(event.message)"), ("PRIORITY", "\(event.level.journalPriority)"),
            ("SYSLOG_IDENTIFIER", "metrngd"),
        ]
        return own + metadata.merging(event.metadata ?? [:]) { $1 }.map { ($0, "\($1)") }
    }

    /// Drops the line when nobody takes it: a daemon must not hang because its log does.
    private func write(_ line: String) {
        var request = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
        guard poll(&request, 1, 0) == 1 else { return }
        // A pipe that is ready takes PIPE_BUF bytes (4,096) without waiting.
        let bytes = Array(line.utf8.prefix(4096))
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

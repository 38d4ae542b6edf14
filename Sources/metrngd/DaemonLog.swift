// SPDX-License-Identifier: Apache-2.0

import DaemonConfiguration
import Glibc
import Logging
import Synchronization

/// The least severe level that is written, for all loggers; changed on a reload.
let logThreshold = Atomic<Int>(Logger.Level.info.severity)

/// Writes log lines to standard error: with `<n>` for the journal when it reads them, otherwise
/// with the program's name and the level in words.
struct StandardErrorLog: LogHandler {
    var metadata: Logger.Metadata = [:]
    /// Always everything: `logThreshold` decides, so that a reload reaches every copy.
    var logLevel: Logger.Level = .trace
    private let isForJournal = getenv("JOURNAL_STREAM") != nil

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        guard event.level.severity >= logThreshold.load(ordering: .relaxed) else { return }
        let start =
            isForJournal ? "<\(event.level.journalPriority)>" : "metrngd: \(event.level.rawValue): "
        write("\(start)\(event.message)\n")
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

    /// The priority of sd-daemon(3).
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

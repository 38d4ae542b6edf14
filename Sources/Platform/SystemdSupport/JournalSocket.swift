// SPDX-License-Identifier: Apache-2.0

import Glibc
package import LinuxPlatform
import Synchronization

/// The journal's own socket, which takes entries with fields (systemd.io/JOURNAL_NATIVE_PROTOCOL).
///
/// sd_journal_send(3) would do it, but waits when the journal does not read, and a daemon must not hang
/// because its log does. Here, entries that are not taken at once are kept and sent by `flush`. Any thread may
/// send.
package final class JournalSocket: Sendable {
    /// The name is of upper-case letters, digits and underscores.
    package typealias Field = (name: String, value: String)

    /// The most entries that wait; more are lost, and counted.
    package static let capacity = 4_096
    /// In milliseconds, from one attempt to the next; doubled while nothing is taken.
    private static let delays: ClosedRange<Int32> = 10...1_000

    private struct Waiting {
        var entries: ArraySlice<[UInt8]> = []
        var lost = 0
        var delay = delays.lowerBound
    }

    private let sender: DatagramSender
    private let waiting = Mutex(Waiting())

    /// Whether anybody is at the path shows with each entry: the journal may be started again meanwhile.
    package init(path: String = "/run/systemd/journal/socket") throws(SystemError) {
        sender = try DatagramSender(path: path)
    }

    /// Whether the standard error goes to the journal, which names the file by its device and number
    /// (systemd.exec(5), JOURNAL_STREAM).
    package static var takesStandardError: Bool {
        guard let stream = getenv("JOURNAL_STREAM") else { return false }
        var file = stat()
        guard fstat(STDERR_FILENO, &file) == 0 else { return false }
        return String(cString: stream) == "\(file.st_dev):\(file.st_ino)"
    }

    /// Hands over an entry, or keeps it for `flush`. Never waits.
    package func send(_ fields: [Field]) {
        let entry = Self.entry(fields)
        waiting.withLock { waiting in
            if waiting.entries.isEmpty, hasDone(entry, &waiting.lost) { return }
            if waiting.entries.count < Self.capacity {
                waiting.entries.append(entry)
            } else {
                waiting.lost += 1
            }
        }
    }

    /// Hands over what was not taken before. Never waits.
    ///
    /// - Returns: in how many milliseconds to try again; nil when nothing is left.
    package func flush() -> Int32? {
        waiting.withLock { waiting in
            let before = waiting.entries.count
            while let entry = waiting.entries.first, hasDone(entry, &waiting.lost) {
                waiting.entries.removeFirst()
            }
            if waiting.entries.isEmpty, waiting.lost > 0, sender.send(Self.entry(lost: waiting.lost)) == .taken {
                waiting.lost = 0
            }
            guard !waiting.entries.isEmpty || waiting.lost > 0 else {
                waiting = Waiting()
                return nil
            }
            waiting.delay =
                waiting.entries.count < before
                ? Self.delays.lowerBound : min(2 * waiting.delay, Self.delays.upperBound)
            return waiting.delay
        }
    }

    /// Whether an entry was taken, or is lost because it is larger than any that can be.
    private func hasDone(_ entry: [UInt8], _ lost: inout Int) -> Bool {
        switch sender.send(entry) {
        case .taken: return true
        case .full, .failed: return false
        case .tooLong:
            lost += 1
            return true
        }
    }

    private static func entry(lost: Int) -> [UInt8] {
        entry([
            ("MESSAGE", "\(lost) entries were lost: the journal did not accept them"),
            ("PRIORITY", "4"), ("SYSLOG_IDENTIFIER", "metrngd"),
        ])
    }

    /// As the journal reads it: a line for each field, or, when the value has lines itself, its name, its
    /// length in 64 bits (little-endian) and the value. A value is cut where a datagram could become too long.
    package static func entry(_ fields: [Field]) -> [UInt8] {
        var bytes: [UInt8] = []
        for (name, whole) in fields {
            let value = whole.utf8.count <= valueLimit ? whole : "\(cut(whole))… (cut)"
            bytes += name.utf8
            if value.utf8.contains(newline) {
                bytes.append(newline)
                withUnsafeBytes(of: UInt64(value.utf8.count).littleEndian) { bytes += $0 }
            } else {
                bytes += "=".utf8
            }
            bytes += value.utf8
            bytes.append(newline)
        }
        return bytes
    }

    /// In bytes.
    private static let valueLimit = 32_768

    private static func cut(_ text: String) -> String {
        // A character that is cut in two is shown as one that is not known.
        String(decoding: text.utf8.prefix(valueLimit), as: UTF8.self)
    }

    private static let newline = UInt8(ascii: "\n")
}

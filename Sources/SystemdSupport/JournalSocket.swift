// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
package import LinuxPlatform

/// The journal's own socket, which takes entries with fields (systemd.io/JOURNAL_NATIVE_PROTOCOL).
///
/// sd_journal_send(3) would do it, but waits when the journal does not read, and a daemon must not hang
/// because its log does. Any thread may send.
package struct JournalSocket: Sendable {
    /// The name is of upper-case letters, digits and underscores.
    package typealias Field = (name: String, value: String)

    private let socket: Descriptor
    private let path: String

    /// Whether anybody is at the path shows with each entry: the journal may be started again meanwhile.
    package init(path: String = "/run/systemd/journal/socket") throws(SystemError) {
        socket = Descriptor(
            owning: try system("make a socket for the journal") { clinux_unix_datagram() })
        self.path = path
    }

    /// Whether the standard error goes to the journal, which names the file by its device and number
    /// (systemd.exec(5), JOURNAL_STREAM).
    package static var takesStandardError: Bool {
        guard let stream = getenv("JOURNAL_STREAM") else { return false }
        var file = stat()
        guard fstat(STDERR_FILENO, &file) == 0 else { return false }
        return String(cString: stream) == "\(file.st_dev):\(file.st_ino)"
    }

    /// Hands over an entry, or drops it when the journal does not take it at once.
    ///
    /// - Returns: whether it was taken.
    @discardableResult
    package func send(_ fields: [Field]) -> Bool {
        let entry = Self.entry(fields)
        return entry.withUnsafeBytes {
            clinux_unix_send_to(socket.raw, path, $0.baseAddress, $0.count)
        } == entry.count
    }

    /// As the journal reads it: a line for each field, or, when the value has lines itself, its name, its
    /// length in 64 bits (little-endian) and the value.
    package static func entry(_ fields: [Field]) -> [UInt8] {
        var bytes: [UInt8] = []
        for (name, value) in fields {
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

    private static let newline = UInt8(ascii: "\n")
}

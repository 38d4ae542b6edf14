// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform

/// The service manager that started the daemon and wants to know how it is (sd_notify(3)), if there is one.
///
/// sd_notify(3) waits when the manager does not read, and a daemon must not hang because its manager does. Here, a
/// message that is not taken at once is kept and sent by `flush`; a manager that is not there is no error. For one
/// thread.
package struct ServiceManager {
    /// What messages are about. At most one of each kind waits: a later one replaces it.
    private enum Subject {
        case reloading, ready, status, alive, stopping
    }

    /// From one attempt to send the messages that wait to the next, in milliseconds.
    private static let delay: Int32 = 100

    /// Nil when there is no manager.
    private let sender: DatagramSender?
    /// The status that was told last, so that nothing is told twice.
    private var status = ""
    /// The messages that the manager had no room for, in the order in which they are due.
    private var waiting: [(subject: Subject, message: [UInt8])] = []

    /// - Parameter path: of the manager's socket; with `@` first, an abstract name.
    package init(path: String? = environmentPath) {
        sender = path.flatMap { try? DatagramSender(path: $0) }
    }

    /// The path that the manager has set for this process; nil when there is none.
    package static var environmentPath: String? {
        getenv("NOTIFY_SOCKET").map { String(cString: $0) }
    }

    /// Requests are answered from now on.
    package mutating func tellReady(status: String) {
        self.status = status
        tell(.ready, "READY=1\nSTATUS=\(Self.line(status))")
    }

    /// One line for people: whether it works, and for whom.
    package mutating func tell(status: String) {
        guard status != self.status else { return }
        self.status = status
        tell(.status, "STATUS=\(Self.line(status))")
    }

    /// The configuration is being read again; `tellReady` ends that.
    package mutating func tellReloading() {
        tell(.reloading, "RELOADING=1\nMONOTONIC_USEC=\(monotonicNanoseconds() / 1000)")
    }

    /// The daemon lives: to be told again before the watchdog's timeout is over.
    package mutating func tellAlive() { tell(.alive, "WATCHDOG=1") }

    package mutating func tellStopping() { tell(.stopping, "STOPPING=1\nSTATUS=stopping") }

    /// Sends what the manager had no room for. Never waits.
    ///
    /// - Returns: in how many milliseconds to try again; nil when nothing is left.
    package mutating func flush() -> Int32? {
        guard let sender else { return nil }
        while let next = waiting.first {
            if sender.send(next.message) == .full { return Self.delay }
            waiting.removeFirst()
        }
        return nil
    }

    private mutating func tell(_ subject: Subject, _ message: String) {
        guard sender != nil else { return }
        waiting.removeAll { $0.subject == subject }
        waiting.append((subject, Array(message.utf8)))
        _ = flush()
    }

    /// A line break would begin another variable.
    private static func line(_ text: String) -> String {
        String(text.map { $0.isNewline ? " " : $0 })
    }
}

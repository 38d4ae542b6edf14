// SPDX-License-Identifier: Apache-2.0

import CSystemd
import LinuxPlatform

/// What started the daemon and wants to know how it is (sd_notify(3)); nobody, when it was started by hand.
///
/// A manager that does not listen is no error: nothing depends on it here. For one thread.
package struct ServiceManager {
    /// What was told last, so that nothing is told twice.
    private var status = ""

    package init() {}

    /// Requests are answered from now on.
    package mutating func tellReady(status: String) {
        self.status = status
        tell("READY=1\nSTATUS=\(Self.line(status))")
    }

    /// One line for people: whether it works, and for whom.
    package mutating func tell(status: String) {
        guard status != self.status else { return }
        self.status = status
        tell("STATUS=\(Self.line(status))")
    }

    /// The configuration is being read again; `tellReady` ends that.
    package func tellReloading() {
        tell("RELOADING=1\nMONOTONIC_USEC=\(monotonicNanoseconds() / 1000)")
    }

    /// The daemon lives: to be told again before the watchdog's timeout is over.
    package func tellAlive() { tell("WATCHDOG=1") }

    package func tellStopping() { tell("STOPPING=1\nSTATUS=stopping") }

    private func tell(_ message: String) { sd_notify(0, message) }

    /// A line break would begin another variable.
    private static func line(_ text: String) -> String {
        String(text.map { $0.isNewline ? " " : $0 })
    }
}

// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// Signals as something to poll for instead of something that interrupts.
///
/// To be made on the main thread before any other thread is: those then leave the signals to it.
package final class SignalQueue {
    /// Readable while a signal waits.
    package let descriptor: Descriptor

    package init(_ signals: [Int32]) throws(SystemError) {
        descriptor = Descriptor(
            owning: try system("watch signals") { clinux_signalfd(signals, signals.count) })
    }

    /// The next signal; nil when there is none.
    package func next() -> Int32? {
        let signal = clinux_read_signal(descriptor.raw)
        return signal > 0 ? signal : nil
    }
}

/// Has this process die at once of its own errors (a trap, a bad access), without a report of registers and memory, which
/// hold bits: what Swift's runtime offers, if SWIFT_BACKTRACE asks for it.
package func restoreFatalSignals() { clinux_restore_fatal_signals() }

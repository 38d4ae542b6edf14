// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// A flag (eventfd) that one thread raises to wake another. Any thread may call any member.
package final class Wakeup: Sendable {
    /// Readable while the flag is up.
    package let descriptor: Descriptor

    package init() throws(SystemError) {
        descriptor = Descriptor(owning: try system("create an eventfd") { clinux_eventfd() })
    }

    /// Raises the flag. Never blocks.
    package func signal() {
        var one: UInt64 = 1
        // EAGAIN means that the counter is full, so that the flag is up anyway.
        _ = write(descriptor.raw, &one, MemoryLayout<UInt64>.size)
    }

    /// Lowers the flag. Never blocks.
    package func clear() {
        var count: UInt64 = 0
        _ = read(descriptor.raw, &count, MemoryLayout<UInt64>.size)
    }

    /// Waits until the flag is up, at most so long (nil: for ever), and lowers it. A signal may end
    /// a wait that has a limit sooner.
    ///
    /// - Returns: whether the flag was up.
    @discardableResult
    package func wait(milliseconds: Int32? = nil) -> Bool {
        var request = pollfd(fd: descriptor.raw, events: Int16(POLLIN), revents: 0)
        var ready = poll(&request, 1, milliseconds ?? -1)
        while ready < 0, milliseconds == nil { ready = poll(&request, 1, -1) }
        guard ready > 0 else { return false }
        clear()
        return true
    }

    /// What ended a wait for one of two things.
    package enum Waited {
        /// The flag was up, and is lowered now.
        case signalled
        /// The other descriptor is readable, or broken.
        case readable
        /// A signal may do this sooner.
        case timedOut
    }

    /// Waits until the flag is up or another descriptor is readable, at most so long.
    ///
    /// - Parameters:
    ///   - milliseconds: negative for ever.
    ///   - other: nil to wait for the flag alone.
    package func wait(milliseconds: Int32, orReadable other: Int32?) -> Waited {
        withUnsafeTemporaryAllocation(of: pollfd.self, capacity: 2) { requests in
            requests.initializeElement(
                at: 0, to: pollfd(fd: descriptor.raw, events: Int16(POLLIN), revents: 0))
            // poll passes over a negative descriptor.
            requests.initializeElement(
                at: 1, to: pollfd(fd: other ?? -1, events: Int16(POLLIN), revents: 0))
            guard poll(requests.baseAddress, 2, milliseconds) > 0 else { return .timedOut }
            guard requests[0].revents != 0 else { return .readable }
            clear()
            return .signalled
        }
    }
}

/// Whether a descriptor is readable, or broken, now. Any thread; never blocks.
package func isReadable(_ descriptor: Int32) -> Bool {
    var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&request, 1, 0) > 0
}

// SPDX-License-Identifier: Apache-2.0

import Glibc
package import Synchronization

/// What other threads tell a `LocalServer`, and what they can ask it. Any thread.
package final class LocalServerControl: Sendable {
    /// The most connections there may be. A change takes effect with the server's next turn.
    package let maximumConnections: Atomic<Int>
    /// Connections that were closed for want of room: newcomers, and those that had to make room.
    package let refused = Atomic<Int>(0)
    /// The heartbeat of the server's thread.
    package let heartbeat = Heartbeat()
    /// Ends the wait of the server's thread.
    package let wakeup: Wakeup
    private let stopFlag = Atomic(false)

    /// How many of so many connections are there for privileged users alone: others cannot keep them out.
    static func reserve(of maximum: Int) -> Int { min(8, maximum / 8) }

    /// Whether a user is root, or that of this process.
    static func isPrivileged(_ user: UInt32) -> Bool { user == 0 || user == geteuid() }

    package init(maximumConnections: Int) throws(SystemError) {
        precondition(maximumConnections > 0)
        self.maximumConnections = Atomic(maximumConnections)
        wakeup = try Wakeup()
    }

    /// Whether the server has to end.
    package var isStopping: Bool { stopFlag.load(ordering: .acquiring) }

    /// Tells the server to end.
    package func stop() {
        stopFlag.store(true, ordering: .releasing)
        wakeup.signal()
    }

    /// Changes the most connections there may be, and has the server take a turn.
    package func setMaximumConnections(_ count: Int) {
        precondition(count > 0)
        maximumConnections.store(count, ordering: .relaxed)
        wakeup.signal()
    }
}

/// A thread that takes the turns of a server until the server is told to stop. Any thread may call any member.
package final class LocalServerThread: Sendable {
    private let control: LocalServerControl
    private let thread: Mutex<WorkerThread?>

    /// - Parameters:
    ///   - name: at most 15 bytes.
    ///   - turn: waits for something to do and does it. Returns false once the server has ended.
    package init(
        name: String, _ control: LocalServerControl, turn: @escaping @Sendable () -> Bool
    ) throws(SystemError) {
        self.control = control
        thread = Mutex(try WorkerThread(name: name) { while turn() {} })
    }

    /// Stops the server and waits until its thread has ended. Further calls do nothing.
    package func stop() {
        control.stop()
        thread.withLock { worker in
            worker?.join()
            worker = nil
        }
    }
}

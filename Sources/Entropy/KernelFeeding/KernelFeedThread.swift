// SPDX-License-Identifier: Apache-2.0

package import LinuxPlatform

/// The thread on which a pool is fed. It sleeps from one contribution to the next.
package final class KernelFeedThread: Sendable {
    /// The thread's sign of life, for the watchdog.
    package let heartbeat = Heartbeat()
    private let stopRequested: Wakeup
    private let thread: WorkerThread

    package init(_ feeder: KernelFeeder) throws(SystemError) {
        let stopRequested = try Wakeup()
        self.stopRequested = stopRequested
        thread = try WorkerThread(name: "metrng-kernel") { [heartbeat] in
            feeder.run { seconds in
                heartbeat.waiting { !stopRequested.wait(milliseconds: Int32(seconds) * 1000) }
            }
        }
    }

    /// Ends the thread, and its wait at once. Call it once.
    package func stop() {
        stopRequested.signal()
        thread.join()
    }
}

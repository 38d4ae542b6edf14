// SPDX-License-Identifier: Apache-2.0

package import LinuxPlatform
import Synchronization

/// Lanes that one client has for itself for a time. Any thread may look at it.
package final class Lease: Sendable {
    package let lanes: LeasedLanes
    /// Who asked for it.
    package let holder: PeerCredentials
    /// In seconds since the Unix epoch.
    package let since: Double
    /// Takes the client's commands to the pipeline's thread, and the results back.
    package let line: LeaseLine
    /// When it ends unless it is renewed, in monotonic nanoseconds.
    private let endTime: Atomic<UInt64>

    /// - Parameters:
    ///   - seconds: how long it lasts.
    ///   - wakePipeline: makes the pipeline's thread look at the line.
    package init(
        _ lanes: LeasedLanes, holder: PeerCredentials, seconds: Int, clock: Clock,
        wakePipeline: @escaping @Sendable () -> Void
    ) throws(SystemError) {
        self.lanes = lanes
        self.holder = holder
        since = clock.secondsSinceEpoch()
        line = try LeaseLine(wakePipeline: wakePipeline)
        endTime = Atomic(Self.end(seconds, clock))
    }

    private static func end(_ seconds: Int, _ clock: Clock) -> UInt64 {
        clock.monotonicNanoseconds() + UInt64(seconds) * 1_000_000_000
    }

    /// Lets it last so many seconds from now on.
    package func renew(_ seconds: Int, clock: Clock) {
        endTime.store(Self.end(seconds, clock), ordering: .relaxed)
    }

    /// How many nanoseconds are left; 0 when it is over.
    package func nanosecondsLeft(clock: Clock) -> UInt64 {
        let end = endTime.load(ordering: .relaxed)
        return end - min(end, clock.monotonicNanoseconds())
    }
}

// SPDX-License-Identifier: Apache-2.0

package import EntropyRing
import LinuxPlatform
package import Synchronization

/// A client, for who looks on: written by the server's thread, read by any.
package final class ServerClient: Sendable {
    /// Of the process that connected, which may have given the connection to another since. 0 for one
    /// that this process cannot see, in another container.
    package let processID: Int32
    package let userID: UInt32
    /// When it connected, in seconds since the Unix epoch.
    package let since = secondsSinceEpoch()
    /// Likewise, since the machine was started.
    package let sinceBoot = secondsSinceBoot()
    /// Bytes of bits that were handed to it.
    package let delivered = Atomic<Int>(0)
    package let deliveredPerSecond = RateMeter()

    init(_ peer: PeerCredentials) {
        processID = peer.processID
        userID = peer.userID
    }

    func deliver(_ count: Int, now: UInt64) {
        delivered.add(count, ordering: .relaxed)
        deliveredPerSecond.add(count, now: now)
    }
}

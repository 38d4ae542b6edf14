// SPDX-License-Identifier: Apache-2.0

import EntropyProtocol
package import EntropyRing
import LinuxPlatform
package import Synchronization

/// The account of a client: who it is, and what it was given. Written by the dispenser's thread, read by any.
package final class ClientAccount: Sendable {
    /// The process that connected, which may have passed the connection on to another since. 0 for one that this
    /// process cannot see, in another container.
    package let processID: Int32
    package let userID: UInt32
    /// When the client connected, in seconds since the Unix epoch.
    package let since: Double
    /// When the client connected, in seconds since the machine was started.
    package let sinceBoot: Double
    private let storedName = Mutex<ClientName?>(nil)
    /// Bytes that were given to the client.
    package let delivered = Atomic<Int>(0)
    package let deliveredPerSecond = RateMeter()
    /// Since when the client has waited for bits, in monotonic nanoseconds; 0 while it does not.
    package let waitingSince = Atomic<UInt64>(0)

    init(_ peer: PeerCredentials, clock: Clock) {
        processID = peer.processID
        userID = peer.userID
        since = clock.secondsSinceEpoch()
        sinceBoot = clock.secondsSinceBoot()
    }

    /// What the client says it is; nil if it does not say.
    package var name: String? { storedName.withLock { $0?.text } }

    func setName(_ name: ClientName?) { storedName.withLock { $0 = name } }

    func record(_ count: Int, now: UInt64) {
        delivered.add(count, ordering: .relaxed)
        deliveredPerSecond.add(count, now: now)
    }
}

/// The accounts of all clients. Any thread.
package final class AccountBook: Sendable {
    private struct Accounts {
        var open: [ObjectIdentifier: ClientAccount] = [:]
        /// Bytes that were given to clients that have gone.
        var deliveredToGone = 0
    }

    private let accounts = Mutex(Accounts())

    /// The accounts of the clients that are there, in no order.
    package var open: [ClientAccount] { accounts.withLock { Array($0.open.values) } }

    /// Bytes that were ever given to clients.
    package var delivered: Int {
        accounts.withLock { accounts in
            accounts.open.values.reduce(accounts.deliveredToGone) {
                $0 + $1.delivered.load(ordering: .relaxed)
            }
        }
    }

    func add(_ account: ClientAccount) {
        accounts.withLock { $0.open[ObjectIdentifier(account)] = account }
    }

    func close(_ account: ClientAccount) {
        accounts.withLock { accounts in
            let closed = accounts.open.removeValue(forKey: ObjectIdentifier(account))
            precondition(closed != nil, "an account is closed once")
            accounts.deliveredToGone += account.delivered.load(ordering: .relaxed)
        }
    }
}

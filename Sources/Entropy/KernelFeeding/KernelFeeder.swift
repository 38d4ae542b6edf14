// SPDX-License-Identifier: Apache-2.0

import EntropyClient
import EntropyTerms
import Glibc
package import LinuxPlatform
import Synchronization

/// Feeds a pool, again and again, with bits that it draws from the entropy server as every client does: the
/// rings have one consumer, and no byte is given to the pool and to somebody else.
///
/// `feed` and `run` are for one thread.
package final class KernelFeeder: @unchecked Sendable {
    package struct Settings: Sendable {
        package let intervalSeconds: Int
        /// The size of a contribution.
        package let byteCount: Int
        /// Whether memory with bits must be kept from swap.
        package let locked: Bool

        package init(intervalSeconds: Int, byteCount: Int, locked: Bool) {
            self.intervalSeconds = intervalSeconds
            self.byteCount = byteCount
            self.locked = locked
        }
    }

    /// Where bits come from.
    package struct Supply: Sendable {
        /// The entropy server's socket.
        package let path: String
        /// The names of the boards that give bits now.
        package let openBoards: @Sendable () -> Set<String>

        package init(path: String, openBoards: @escaping @Sendable () -> Set<String>) {
            self.path = path
            self.openBoards = openBoards
        }
    }

    /// What was done so far.
    package struct Record: Sendable, Equatable {
        package var contributions = 0
        package var bytes = 0
        package var creditedBits = 0
        /// In seconds since the Unix epoch; nil before the first contribution.
        package var lastFed: Double?
        /// Why the last attempt came to nothing; nil when it did not, and before the first one.
        package var refusal: FeedRefusal?
    }

    package let settings: Settings
    private let supply: Supply
    private let pool: any EntropyPool
    private let report: @Sendable (Record) -> Void
    private let state = Mutex(Record())
    /// The buffer of the feeding thread; wiped after each use.
    private let contribution: KernelContribution

    /// - Parameter report: told after the first contribution, and whenever another refusal, or none, is the
    ///   outcome. Called on the thread that feeds.
    /// - Throws: when there is no memory for a contribution, or none that may be locked.
    package init(
        _ settings: Settings, from supply: Supply, to pool: any EntropyPool,
        report: @escaping @Sendable (Record) -> Void
    ) throws(SystemError) {
        self.settings = settings
        self.supply = supply
        self.pool = pool
        self.report = report
        contribution = try KernelContribution(count: settings.byteCount, locked: settings.locked)
    }

    /// Any thread may ask.
    package var record: Record { state.withLock { $0 } }

    /// Sees whether the pool can be fed, and feeds it once after each wait that ends with `true`.
    ///
    /// - Parameter wait: waits a number of seconds; returns false to end.
    package func run(wait: (Int) -> Bool) {
        if let refusal = poolRefusal() { note(.failure(refusal)) }
        while wait(settings.intervalSeconds) { feed() }
    }

    /// Makes one contribution, or notes why not.
    package func feed() {
        do throws(FeedRefusal) {
            note(.success(try contribute()))
        } catch {
            note(.failure(error))
        }
    }

    /// - Returns: how many bits were credited.
    private func contribute() throws(FeedRefusal) -> Int {
        // No bits are drawn for a pool that refused the last ones, until it takes some again.
        if case .kernel = record.refusal, let refusal = poolRefusal() { throw refusal }
        let before = supply.openBoards()
        guard !before.isEmpty else { throw .unhealthy }
        defer { contribution.wipe() }
        let origin = try fetch()
        let bits = try creditedBits(
            byteCount: contribution.bytes.count, provenance: origin.provenance,
            grade: origin.grade, health: FeedHealth(before: before, after: supply.openBoards()))
        do {
            try pool.add(contribution, creditedBits: bits)
        } catch {
            throw .kernel(error)
        }
        return bits
    }

    /// Never waits for bits: the next time will do.
    private func fetch() throws(FeedRefusal) -> EntropyConnection.Origin {
        do throws(EntropyError) {
            let connection = try EntropyConnection(path: supply.path, reconnectSeconds: 0)
            try connection.read(into: contribution.bytes, grade: .full, waits: false)
            guard let origin = connection.origin else { throw .disconnected }
            return origin
        } catch {
            if case .notGenuine(let provenance) = error { throw .notHardware(provenance) }
            throw .noBits(error)
        }
    }

    private func poolRefusal() -> FeedRefusal? {
        do {
            try pool.check()
            return nil
        } catch {
            return .kernel(error)
        }
    }

    private func note(_ outcome: Result<Int, FeedRefusal>) {
        let (record, isNews) = state.withLock { record in
            let before = record
            switch outcome {
            case .success(let bits):
                record.contributions += 1
                record.bytes += settings.byteCount
                record.creditedBits += bits
                record.lastFed = secondsSinceEpoch()
                record.refusal = nil
            case .failure(let refusal):
                record.refusal = refusal
            }
            let isFirst = before.contributions == 0 && record.contributions == 1
            return (record, isFirst || record.refusal != before.refusal)
        }
        if isNews { report(record) }
    }
}

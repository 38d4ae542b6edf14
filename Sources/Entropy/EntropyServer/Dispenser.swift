// SPDX-License-Identifier: Apache-2.0

package import EntropyRing
import EntropyTerms
package import LinuxPlatform
import Synchronization

/// The only consumer of the rings: chooses the source of each request, hands bits to sinks, keeps the line of the
/// clients that wait for bits and the accounts of all, and wipes what may not be delivered any more.
///
/// It moves bits only by calling sinks, and makes no system call but through the sources' wake-ups. For one thread,
/// but for `accounts`.
package final class Dispenser {
    /// The most bytes that a sink is offered at once.
    package static let quantum = 64 * 1024

    /// What became of a request for a draw.
    package enum Grant: Equatable {
        /// There are bits for it.
        case granted(Draw)
        /// There are none yet; the client can wait for them.
        case notYet
        /// The client would have to wait, and does not want to, or they will never come.
        case unavailable
        /// The request wants genuine bits, and every source has others only.
        case denied
    }

    /// What became of a part of a draw.
    package enum Dispensed: Equatable {
        /// The sink took what there was, and has room for more.
        case taken
        /// The sink has no room for more now.
        case sinkIsFull
        /// There are no bits now; the client can wait for them.
        case noBits
        /// The client is gone, or the bits that it was promised will never come, which only the end of the connection
        /// can tell it.
        case ended
    }

    /// The accounts of the clients. Any thread.
    package let accounts = AccountBook()
    private let sources: [EntropySource]
    private let clock: Clock
    private var line = WaitingLine()
    /// Bytes that the rings had delivered before this dispenser was made.
    private let deliveredBefore: Int

    package init(_ sources: [EntropySource], clock: Clock) {
        self.sources = sources
        self.clock = clock
        deliveredBefore = Self.delivered(from: sources)
    }

    // MARK: Clients

    /// Opens the account of a client.
    package func openAccount(for peer: PeerCredentials) -> DispenserClient {
        let account = ClientAccount(peer, clock: clock)
        accounts.add(account)
        return DispenserClient(account)
    }

    /// Closes the account of a client. It waits no more, and is given nothing more.
    package func close(_ client: DispenserClient) {
        if client.isWaiting { cancelWait(of: client) }
        accounts.close(client.account)
    }

    // MARK: Requests

    /// Finds the source for a request: the one that has the most bits, if one has enough. Enough are all bytes of the
    /// request when no more come or the client does not wait for more, and one byte otherwise.
    package func grant(_ request: BitRequest) -> Grant {
        if request.isGenuine, hasNoGenuineSource { return .denied }
        // Read first: a source that has ended publishes nothing more.
        let isOver = isOver
        var best: (source: Int, count: Int)?
        for index in sources.indices {
            let source = sources[index]
            guard source.provenance.isGenuine || !request.isGenuine else { continue }
            let needsAll = source.hasEnded || !request.waits
            let count = source.deliverableCount(request.grade)
            if count >= (needsAll ? request.length : 1), count > best?.count ?? 0 {
                best = (index, count)
            }
        }
        if let best { return .granted(Draw(request, source: best.source)) }
        return request.waits && !isOver ? .notYet : .unavailable
    }

    /// The source of a draw, for what has to be said of its bits.
    package func source(of draw: Draw) -> EntropySource { sources[draw.source] }

    /// How many bytes of a grade one request can have at once: those of the source that has the most.
    func mostAtOnce(_ grade: Grade, isGenuine: Bool) -> Int {
        var most = 0
        forEachSource { source in
            guard source.provenance.isGenuine || !isGenuine else { return }
            most = max(most, source.deliverableCount(grade))
        }
        return most
    }

    private var hasNoGenuineSource: Bool {
        var hasNone = !sources.isEmpty
        forEachSource { hasNone = hasNone && !$0.provenance.isGenuine }
        return hasNone
    }

    /// Whether no source will ever give more bits than it has.
    private var isOver: Bool {
        var areOver = !sources.isEmpty
        forEachSource { areOver = areOver && $0.hasEnded }
        return areOver
    }

    // An iterator over an array would allocate in builds that are not optimized.
    private func forEachSource(_ body: (EntropySource) -> Void) {
        for index in sources.indices { body(sources[index]) }
    }

    // MARK: Bits

    /// Offers the next bits of a draw to the sink, which has to count what it takes.
    package func dispense(_ draw: Draw, to sink: some Sink) -> Dispensed {
        precondition(draw.remaining > 0 && !sink.client.isWaiting)
        let source = sources[draw.source]
        let bits = source.deliverable(draw.grade)
        let offer = UnsafeRawBufferPointer(
            rebasing: bits.prefix(min(draw.remaining, Self.quantum)))
        switch sink.take(offer) {
        case .all:
            record(offer.count, draw, for: sink)
            guard offer.isEmpty else { return .taken }
            return isAbandoned(draw) ? .ended : .noBits
        case .part(let count):
            precondition(0...offer.count ~= count, "\(count) bytes taken of \(offer.count)")
            record(count, draw, for: sink)
            return .sinkIsFull
        case .ended:
            return .ended
        }
    }

    /// Removes bytes that a sink has taken from their ring, which wipes them, and counts them.
    private func record(_ count: Int, _ draw: Draw, for sink: some Sink) {
        guard count > 0 else { return }
        let source = sources[draw.source]
        source.remove(count, of: draw.grade)
        let now = clock.monotonicNanoseconds()
        source.ring(of: draw.grade)?.deliveredPerSecond.add(count, now: now)
        sink.client.account.record(count, now: now)
    }

    /// Whether the rest of a draw does not come: the client was promised bits that were there, and they have been
    /// discarded since, or the source has ended.
    private func isAbandoned(_ draw: Draw) -> Bool {
        let source = sources[draw.source]
        if !draw.waits, !source.isOpen { return true }
        return source.hasEnded && source.deliverableCount(draw.grade) == 0
    }

    // MARK: Waiting

    /// Puts a sink at the end of the line. It is woken when there may be bits for it, after those that came before it.
    package func wait(_ sink: any Sink) {
        precondition(sink.want != nil, "a sink waits for something")
        line.append(sink)
        sink.client.account.waitingSince.store(clock.monotonicNanoseconds(), ordering: .relaxed)
    }

    /// Takes a client out of the line.
    package func cancelWait(of client: DispenserClient) {
        line.remove(client)
        client.account.waitingSince.store(0, ordering: .relaxed)
    }

    /// Wipes what was discarded and wakes all sinks that wait, in order. For when the wake-up of the sources was raised:
    /// bits have arrived, or were discarded.
    package func bitsArrived() {
        forEachSource { $0.wipeDiscarded() }
        while let sink = line.popFirst() {
            sink.client.account.waitingSince.store(0, ordering: .relaxed)
            sink.wake()
        }
    }

    /// Has the sources wake the thread when bits arrive for sinks that wait, and looks once more whether there are
    /// any. For the end of each turn of the thread.
    package func prepareToSleep() {
        guard !line.isEmpty else { return }
        forEachSource { $0.consumerWillWait() }
        if line.contains(where: { hasSomething(for: $0) }) { bitsArrived() }
    }

    private func hasSomething(for sink: any Sink) -> Bool {
        switch sink.want {
        case .grant(let request): grant(request) != .notYet
        case .bits(let draw):
            sources[draw.source].deliverableCount(draw.grade) > 0 || isAbandoned(draw)
        case nil: preconditionFailure("a sink that waits wants something")
        }
    }

    // MARK: Invariants

    /// Traps unless the accounts add up to what has left the rings. For a thread that uses the dispenser, between two
    /// turns.
    package func checkAccounts() {
        let delivered = Self.delivered(from: sources) - deliveredBefore
        precondition(
            accounts.delivered == delivered,
            "clients were given \(accounts.delivered) bytes of \(delivered) that left the rings")
    }

    private static func delivered(from sources: [EntropySource]) -> Int {
        sources.reduce(0) { sum, source in
            Grade.allCases.reduce(sum) {
                $0 + (source.ring(of: $1)?.delivered.load(ordering: .relaxed) ?? 0)
            }
        }
    }
}

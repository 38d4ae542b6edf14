// SPDX-License-Identifier: Apache-2.0

package import EntropyTerms
package import LinuxPlatform
package import Synchronization

/// Where the pipeline of one board and the entropy server meet: the rings, what may be said of the
/// bits in them, and how each side wakes the other.
///
/// A producer that waits is woken as soon as any room was freed, and looks for itself whether it is
/// enough.
///
/// Waking: a side that finds nothing to do raises its "waits" flag, looks once more, and only then
/// sleeps; the other side changes the ring first and looks at the flag afterwards. All four steps
/// are sequentially consistent, so that at least one of the two sees the other's change.
package final class EntropySource: @unchecked Sendable {
    /// The name of the board in the configuration.
    package let name: String
    package let provenance: Provenance
    package let raw: EntropyRing
    package let full: EntropyRing

    /// The health epoch of the lanes behind the newest bits.
    package let healthEpoch = Atomic<UInt32>(0)
    /// Whether bits may be handed out at all: false until enough lanes passed their start-up test,
    /// and whenever too few are good.
    private let isOpenFlag = Atomic<Bool>(false)
    private let hasEndedFlag = Atomic<Bool>(false)

    private let producerWaits = Atomic<Bool>(false)
    private let spaceFreed: Wakeup
    private let consumerWaits = Atomic<Bool>(false)
    private let bitsArrived: Wakeup

    /// - Parameter bitsArrived: the consumer's, raised when it waits and bits arrive. The same one
    ///   may serve several sources.
    package init(
        name: String, provenance: Provenance, raw: EntropyRing, full: EntropyRing,
        bitsArrived: Wakeup
    ) throws(SystemError) {
        self.name = name
        self.provenance = provenance
        self.raw = raw
        self.full = full
        self.bitsArrived = bitsArrived
        spaceFreed = try Wakeup()
    }

    /// The ring of a grade; nil for a grade this source does not make.
    package func ring(of grade: Grade) -> EntropyRing? {
        switch grade {
        case .raw: raw
        case .full: full
        case .expand: nil
        }
    }

    package var isOpen: Bool { isOpenFlag.load(ordering: .sequentiallyConsistent) }

    /// Whether all bits that there will ever be were published. To be asked before how many there are.
    package var hasEnded: Bool { hasEndedFlag.load(ordering: .sequentiallyConsistent) }

    // MARK: The producer's side

    /// Lets bits out, those that are published from now on.
    package func open() {
        isOpenFlag.store(true, ordering: .sequentiallyConsistent)
    }

    /// Lets no bit out any more; what is in the rings is discarded. Wakes the consumer, which
    /// wipes it.
    package func close() {
        isOpenFlag.store(false, ordering: .sequentiallyConsistent)
        raw.discardAll()
        full.discardAll()
        bitsArrived.signal()
    }

    /// Says that no bit will be published any more. Wakes the consumer.
    package func end() {
        hasEndedFlag.store(true, ordering: .sequentiallyConsistent)
        bitsArrived.signal()
    }

    /// Hands bits to the consumer and wakes it if it waits.
    package func publish(_ count: Int, in ring: EntropyRing) {
        ring.publish(count)
        wakeConsumer()
    }

    /// Waits until `isReady`, asking again each time room was freed or `wakeProducer` was called, or until
    /// another descriptor is readable (nil for none).
    ///
    /// - Returns: whether it is ready.
    @discardableResult
    package func waitForSpace(orReadable other: Int32? = nil, until isReady: () -> Bool) -> Bool {
        defer { producerWaits.store(false, ordering: .sequentiallyConsistent) }
        while true {
            producerWaits.store(true, ordering: .sequentiallyConsistent)
            if isReady() { return true }
            switch spaceFreed.wait(milliseconds: -1, orReadable: other) {
            case .readable: return false
            case .signalled, .timedOut: break
            }
        }
    }

    /// Whether the consumer has removed everything.
    package var isEmpty: Bool { raw.free == raw.capacity && full.free == full.capacity }

    /// Makes a producer that waits look again. Any thread.
    package func wakeProducer() { spaceFreed.signal() }

    private func wakeConsumer() {
        guard consumerWaits.load(ordering: .sequentiallyConsistent) else { return }
        if consumerWaits.exchange(false, ordering: .sequentiallyConsistent) {
            bitsArrived.signal()
        }
    }

    // MARK: The consumer's side

    /// The next bytes that may be delivered, of a grade; empty when there are none now.
    package func deliverable(_ grade: Grade) -> UnsafeRawBufferPointer {
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        guard let ring = ring(of: grade) else { return nothing }
        while true {
            wipeDiscarded(ring)
            guard isOpen else { return nothing }
            let span = ring.readableSpan()
            // The gate may have closed and opened again since the wiping: then the span holds what
            // was discarded by that.
            if !ring.hasDiscarded { return span }
        }
    }

    /// How many bytes of a grade may be delivered now.
    package func deliverableCount(_ grade: Grade) -> Int {
        guard isOpen, let ring = ring(of: grade) else { return 0 }
        return ring.available
    }

    /// Wipes and removes delivered bytes, and wakes the producer if it waits for room.
    package func remove(_ count: Int, of grade: Grade) {
        ring(of: grade)?.remove(count)
        wakeProducerIfItWaits()
    }

    /// Wipes what may no longer be delivered.
    package func wipeDiscarded() {
        wipeDiscarded(raw)
        wipeDiscarded(full)
    }

    /// Asks to be woken when bits arrive. To be followed by another look at `deliverable`.
    package func consumerWillWait() {
        consumerWaits.store(true, ordering: .sequentiallyConsistent)
    }

    private func wipeDiscarded(_ ring: EntropyRing) {
        if ring.removeDiscarded() { wakeProducerIfItWaits() }
    }

    private func wakeProducerIfItWaits() {
        guard producerWaits.load(ordering: .sequentiallyConsistent) else { return }
        if producerWaits.exchange(false, ordering: .sequentiallyConsistent) { spaceFreed.signal() }
    }
}

// SPDX-License-Identifier: Apache-2.0

package import EntropyTerms
package import LinuxPlatform
package import Synchronization

/// The meeting point of one board's pipeline, which produces bits, and the one consumer of its channels: the
/// rings, the labels of the bits in them, and the means of each side to wake the other.
///
/// Waking: a side that finds nothing to do raises its "waits" flag, looks once more, and only then
/// sleeps; the other side changes the ring first and looks at the flag afterwards. All four steps
/// are sequentially consistent, so that at least one of the two sees the other's change.
///
/// A producer that waits is woken as soon as any room was freed, and checks itself whether that is enough.
package final class EntropySource: @unchecked Sendable {
    /// The name of the board in the configuration.
    package let name: String
    package let provenance: Provenance
    /// A channel for each grade that this source has, in the order of their raw values.
    package let channels: [EntropyChannel]

    /// The health epoch of the lanes behind the newest bits.
    package let healthEpoch = Atomic<UInt32>(0)
    /// Whether bits may be handed out at all: false until enough lanes passed their start-up test,
    /// and whenever too few are good.
    private let isOpenFlag = Atomic<Bool>(false)
    private let hasEndedFlag = Atomic<Bool>(false)

    private let producerWaits = Atomic<Bool>(false)
    /// Raised when a producer that waits has a reason to look again. The producer sleeps on it.
    package let producerWakeup: Wakeup
    private let consumerWaits = Atomic<Bool>(false)
    private let bitsArrived: Wakeup

    /// - Parameters:
    ///   - channels: at most one for each grade, in the order of the grades' raw values.
    ///   - bitsArrived: the consumer's, raised when it waits and bits arrive. Several sources may share one.
    package init(
        name: String, provenance: Provenance, channels: [EntropyChannel], bitsArrived: Wakeup
    ) throws(SystemError) {
        precondition(
            zip(channels, channels.dropFirst()).allSatisfy {
                $0.grade.rawValue < $1.grade.rawValue
            },
            "one channel for each grade, in order")
        self.name = name
        self.provenance = provenance
        self.channels = channels
        self.bitsArrived = bitsArrived
        producerWakeup = try Wakeup()
    }

    /// The channel of a grade; nil for a grade that this source does not have.
    package func channel(of grade: Grade) -> EntropyChannel? {
        for channel in channels where channel.grade == grade { return channel }
        return nil
    }

    /// The ring of a grade; nil for a grade that this source does not have.
    package func ring(of grade: Grade) -> EntropyRing? { channel(of: grade)?.ring }

    package var isOpen: Bool { isOpenFlag.load(ordering: .sequentiallyConsistent) }

    /// Whether all bits that there will ever be were published. A consumer that wants to know whether more
    /// bits will come reads this first, and the number of bits afterwards.
    package var hasEnded: Bool { hasEndedFlag.load(ordering: .sequentiallyConsistent) }

    // MARK: The producer's side

    /// Allows bits that are published from now on to be delivered.
    package func open() {
        isOpenFlag.store(true, ordering: .sequentiallyConsistent)
    }

    /// Stops all delivery; what is in the rings is discarded. Wakes the consumer, which wipes it.
    package func close() {
        isOpenFlag.store(false, ordering: .sequentiallyConsistent)
        for channel in channels { channel.ring.discardAll() }
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

    /// Announces that the producer is about to sleep on `producerWakeup`. The producer looks once more for
    /// room after this, and sleeps only when there is still none.
    package func producerWillWait() {
        producerWaits.store(true, ordering: .sequentiallyConsistent)
    }

    /// Whether the consumer has removed everything.
    package var isEmpty: Bool {
        channels.allSatisfy { $0.ring.free == $0.ring.capacity }
    }

    /// Makes a producer that waits look again. Any thread.
    package func wakeProducer() { producerWakeup.signal() }

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
        for channel in channels { wipeDiscarded(channel.ring) }
    }

    /// Announces that the consumer is about to sleep. The consumer looks once more at `deliverable` after
    /// this, and sleeps only when there is still nothing.
    package func consumerWillWait() {
        consumerWaits.store(true, ordering: .sequentiallyConsistent)
    }

    private func wipeDiscarded(_ ring: EntropyRing) {
        if ring.removeDiscarded() { wakeProducerIfItWaits() }
    }

    private func wakeProducerIfItWaits() {
        guard producerWaits.load(ordering: .sequentiallyConsistent) else { return }
        if producerWaits.exchange(false, ordering: .sequentiallyConsistent) {
            producerWakeup.signal()
        }
    }
}

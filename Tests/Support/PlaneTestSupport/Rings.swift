// SPDX-License-Identifier: Apache-2.0

package import EntropyRing
package import EntropyTerms
package import LinuxPlatform

extension EntropyRing {
    /// Puts bytes in as the producer. They have to fit.
    ///
    /// - Parameter publish: hands the bytes over; nil for the ring's own way.
    package func put(_ bytes: [UInt8], publish: ((Int) -> Void)? = nil) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let span = writableSpan()
            let count = min(span.count, rest.count)
            precondition(count > 0, "the bytes do not fit")
            span.copyBytes(from: rest.prefix(count))
            (publish ?? self.publish)(count)
            rest = rest.dropFirst(count)
        }
    }

    /// Takes everything out as the consumer, in pieces of at most `piece` bytes.
    package func takeAll(piece: Int = .max) -> [UInt8] {
        var taken: [UInt8] = []
        while true {
            let span = readableSpan()
            let count = min(span.count, piece)
            guard count > 0 else { return taken }
            taken += span.prefix(count)
            remove(count)
        }
    }
}

extension EntropySource {
    /// A source with a channel for raw and one for full.
    package convenience init(
        name: String, provenance: Provenance, raw: EntropyRing, full: EntropyRing,
        bitsArrived: Wakeup
    ) throws(SystemError) {
        try self.init(
            name: name, provenance: provenance,
            channels: [EntropyChannel(.raw, raw), EntropyChannel(.full, full)],
            bitsArrived: bitsArrived)
    }

    /// The ring of raw.
    package var raw: EntropyRing { madeRing(of: .raw) }
    /// The ring of full.
    package var full: EntropyRing { madeRing(of: .full) }

    private func madeRing(of grade: Grade) -> EntropyRing {
        guard let ring = ring(of: grade) else { preconditionFailure("the source has both rings") }
        return ring
    }

    /// Waits as a producer until `isReady`, asking again each time room was freed or `wakeProducer` was called.
    package func waitForSpace(until isReady: () -> Bool) {
        while true {
            producerWillWait()
            if isReady() { return }
            producerWakeup.wait()
        }
    }

    /// Puts bytes into the ring of a grade as the producer, and wakes the consumer.
    package func put(_ bytes: [UInt8], _ grade: Grade = .full) {
        guard let ring = ring(of: grade) else { return }
        ring.put(bytes) { self.publish($0, in: ring) }
    }

    /// Takes all that may be delivered out of the ring of a grade, as the consumer.
    package func takeAll(_ grade: Grade) -> [UInt8] {
        var taken: [UInt8] = []
        while true {
            let span = deliverable(grade)
            guard !span.isEmpty else { return taken }
            taken += span
            remove(span.count, of: grade)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

package import EntropyRing
package import EntropyTerms

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

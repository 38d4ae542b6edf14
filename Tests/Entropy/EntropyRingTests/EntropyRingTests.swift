// SPDX-License-Identifier: Apache-2.0

import EntropyRing
import PlaneTestSupport
import Synchronization
import TestSupport
import Testing

@Suite(
    "Ring: order, spans, wrap-around, wiping, discarding, counters")
struct EntropyRingTests {
    private let ring: EntropyRing

    init() throws { ring = try EntropyRing(capacity: 64, locked: false) }

    @Test("is empty, zeroed and all room at first")
    func empty() {
        #expect(ring.available == 0)
        #expect(ring.free == 64)
        #expect(ring.readableSpan().isEmpty)
        #expect(ring.writableSpan().count == 64)
        #expect(ring.writableSpan().allSatisfy { $0 == 0 })
        #expect(!ring.isLocked)
    }

    @Test("gives back what was put in, in order and once, for chunks of every size")
    func order() {
        var (sent, received): ([UInt8], [UInt8]) = ([], [])
        for size in 1...64 {
            let chunk = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ size) }
            sent += chunk
            ring.put(chunk)
            #expect(ring.available == size)
            #expect(ring.free == 64 - size)
            received += ring.takeAll(piece: 1 + size % 7)
        }
        #expect(received == sent)
        #expect(ring.available == 0)
    }

    @Test("shows the consumer nothing that was not published")
    func unpublished() {
        ring.writableSpan().copyBytes(from: [1, 2, 3])
        #expect(ring.readableSpan().isEmpty)
        ring.publish(2)
        #expect(Array(ring.readableSpan()) == [1, 2])
    }

    @Test("leaves bytes in place until they are removed")
    func staysUntilRemoved() {
        ring.put([1, 2, 3])
        #expect(Array(ring.readableSpan()) == [1, 2, 3])
        #expect(Array(ring.readableSpan()) == [1, 2, 3])
        ring.remove(1)
        #expect(Array(ring.readableSpan()) == [2, 3])
    }

    @Test("is full at its capacity, and has no room then")
    func full() {
        ring.put([UInt8](repeating: 9, count: 64))
        #expect(ring.free == 0)
        #expect(ring.writableSpan().isEmpty)
        #expect(ring.available == 64)
    }

    @Test("splits spans at the end of its memory")
    func wrapsAround() {
        ring.put([UInt8](repeating: 1, count: 48))
        ring.remove(48)
        #expect(ring.free == 64)
        #expect(ring.writableSpan().count == 16)
        ring.put((0..<40).map(UInt8.init))
        #expect(ring.writableSpan().count == 24)
        #expect(Array(ring.readableSpan()) == (0..<16).map(UInt8.init))
        ring.remove(16)
        #expect(Array(ring.readableSpan()) == (16..<40).map(UInt8.init))
    }

    @Test("zeroes bytes as they are removed", arguments: [0, 1, 17, 63])
    func zeroes(start: Int) {
        ring.put([UInt8](repeating: 1, count: start))
        _ = ring.takeAll()
        ring.put([UInt8](repeating: 0xA5, count: 64))
        _ = ring.takeAll(piece: 5)
        #expect(isAllZero())
    }

    @Test("counts the bytes that were delivered, and no others")
    func counts() {
        ring.put([UInt8](repeating: 1, count: 30))
        ring.remove(10)
        #expect(ring.delivered.load(ordering: .relaxed) == 10)
        ring.discardAll()
        #expect(ring.removeDiscarded())
        ring.put([1, 2])
        ring.remove(2)
        #expect(ring.delivered.load(ordering: .relaxed) == 12)
    }

    @Test("delivers nothing that was discarded, and wipes it", arguments: [0, 20, 40, 63])
    func discards(start: Int) {
        ring.put([UInt8](repeating: 1, count: start))
        _ = ring.takeAll()
        ring.put([UInt8](repeating: 0xEE, count: 50))
        ring.remove(min(3, 64 - start))
        ring.discardAll()
        #expect(ring.available == 0)
        #expect(ring.removeDiscarded())
        #expect(ring.readableSpan().isEmpty)
        #expect(ring.free == 64)
        #expect(isAllZero())
        #expect(!ring.removeDiscarded(), "there is nothing left to remove")
    }

    @Test("delivers what was published after bytes were discarded")
    func deliversLaterBytes() {
        ring.put([1, 2, 3])
        ring.discardAll()
        ring.put([4, 5])
        #expect(ring.available == 2)
        #expect(ring.removeDiscarded())
        #expect(ring.takeAll() == [4, 5])
    }

    @Test("keeps the room of discarded bytes until they are wiped")
    func discardedTakeRoom() {
        ring.put([UInt8](repeating: 1, count: 64))
        ring.discardAll()
        #expect(ring.free == 0)
        #expect(ring.removeDiscarded())
        #expect(ring.free == 64)
    }

    @Test("discards what the consumer took meanwhile only once")
    func discardsWhatIsBeingTaken() {
        ring.put([1, 2, 3, 4])
        let span = ring.readableSpan()
        ring.discardAll()
        ring.put([5, 6])
        ring.remove(span.count)
        #expect(!ring.removeDiscarded())
        #expect(ring.takeAll() == [5, 6])
    }

    /// Looks at the whole memory by way of the producer's spans. The ring has to be empty.
    private func isAllZero() -> Bool {
        var clean = true
        var seen = 0
        while seen < 64 {
            let span = ring.writableSpan()
            clean = clean && span.allSatisfy { $0 == 0 }
            seen += span.count
            ring.publish(span.count)
            ring.remove(span.count)
        }
        return clean
    }
}

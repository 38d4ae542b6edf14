// SPDX-License-Identifier: Apache-2.0

import EntropyRing
import PlaneTestSupport
import Synchronization
import TestSupport
import Testing

@Suite(
    "Ring between two threads: order, wrap-around, wiping, discarding")
struct EntropyRingStressTests {
    @Test("delivers everything once and in order, wipes it, and never holds more than its capacity")
    func everythingOnce() throws {
        let ring = try EntropyRing(capacity: 1024, locked: false)
        let total = 1 << 19
        let (dirty, overfull, wrong) = (Tally(), Tally(), Tally())
        try concurrently([
            { dirty.add(produce(total, into: ring)) },
            {
                let faults = consume(total, from: ring)
                overfull.add(faults.overfull)
                wrong.add(faults.wrong)
            },
        ])
        #expect(dirty.value == 0, "room is zeroed")
        #expect(overfull.value == 0)
        #expect(wrong.value == 0)
        #expect(ring.delivered.load(ordering: .relaxed) == total)
        #expect(ring.available == 0)
    }

    @Test("delivers nothing from before a known discard, and everything after the last one")
    func discards() throws {
        let ring = try EntropyRing(capacity: 1024, locked: false)
        let words = 20_000
        let (discarded, late, disorder, last) = (Tally(), Tally(), Tally(), Tally(-1))
        try concurrently([
            {
                var word = 0
                while word < words {
                    if word.isMultiple(of: 97), word < words - 1000 {
                        ring.discardAll()
                        discarded.value = word
                    }
                    guard ring.free >= TaggedStream.wordBytes else { continue }
                    ring.put(TaggedStream.word(UInt64(word)))
                    word += 1
                }
            },
            {
                while last.value < words - 1 {
                    let known = discarded.value
                    _ = ring.removeDiscarded()
                    let span = ring.readableSpan()
                    let numbers = TaggedStream.numbers(in: Array(span)).map(Int.init)
                    ring.remove(span.count)
                    if numbers.contains(where: { $0 < known }) { late.add(1) }
                    if !zip(numbers, numbers.dropFirst()).allSatisfy({ $0 < $1 })
                        || numbers.count * TaggedStream.wordBytes != span.count
                        || numbers.first.map({ $0 <= last.value }) ?? false
                    {
                        disorder.add(1)
                    }
                    if let newest = numbers.last { last.value = newest }
                }
            },
        ])
        #expect(late.value == 0)
        #expect(disorder.value == 0)
        #expect(ring.delivered.load(ordering: .relaxed) <= words * TaggedStream.wordBytes)
    }
}

/// Puts in a known sequence of bytes.
///
/// - Returns: how many bytes of the room were not zero.
private func produce(_ total: Int, into ring: EntropyRing) -> Int {
    var generator = TestGenerator(seed: 1)
    var (sent, dirty) = (0, 0)
    while sent < total {
        let span = ring.writableSpan()
        let wanted = Int.random(in: 1...300, using: &generator)
        let count = min(span.count, wanted, total - sent)
        for index in 0..<count {
            if span[index] != 0 { dirty += 1 }
            span[index] = byte(sent + index)
        }
        ring.publish(count)
        sent += count
    }
    return dirty
}

/// Takes out the sequence that `produce` puts in.
///
/// - Returns: how often the ring held too much, and how many bytes were not those expected.
private func consume(_ total: Int, from ring: EntropyRing) -> (overfull: Int, wrong: Int) {
    var generator = TestGenerator(seed: 2)
    var (received, overfull, wrong) = (0, 0, 0)
    while received < total {
        if ring.available > ring.capacity { overfull += 1 }
        let span = ring.readableSpan()
        let count = min(span.count, Int.random(in: 1...300, using: &generator))
        for index in 0..<count where span[index] != byte(received + index) { wrong += 1 }
        ring.remove(count)
        received += count
    }
    return (overfull, wrong)
}

/// A byte of the sequence: never zero, and another one a lap later.
private func byte(_ position: Int) -> UInt8 {
    UInt8(truncatingIfNeeded: position &* 167 &+ position >> 10) | 1
}

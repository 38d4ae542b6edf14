// SPDX-License-Identifier: Apache-2.0

import EntropyRing
import EntropyTerms
import LinuxPlatform
import PlaneTestSupport
import TestSupport
import Testing

@Suite(
    "Source between two threads: no wake-up is lost; nothing from before a known closing is delivered"
)
struct EntropySourceStressTests {
    /// How long a wait for bits may take at most: reached when a wake-up was lost.

    @Test("loses no wake-up in either direction", arguments: [16, 64])
    func wakeups(capacity: Int) throws {
        let bitsArrived = try Wakeup()
        let source = try makeSource("a", capacity: capacity, bitsArrived)
        source.open()
        let words = 20_000
        let (lost, received) = (Flag(), Tally())
        try concurrently([
            {
                for word in 0..<UInt64(words) where !lost.isRaised {
                    source.waitForSpace { source.full.free >= 16 || lost.isRaised }
                    if !lost.isRaised { source.put(TaggedStream.word(word)) }
                }
            },
            {
                while received.value < words, !lost.isRaised {
                    let taken = TaggedStream.numbers(in: source.takeAll(.full))
                    received.add(taken.count)
                    if taken.isEmpty { Self.await(bitsArrived, [source], lost) }
                }
            },
        ])
        #expect(!lost.isRaised)
        #expect(received.value == words)
    }

    @Test("loses no wake-up when two sources share the consumer's")
    func sharedWakeup() throws {
        let bitsArrived = try Wakeup()
        let sources = try ["a", "b"].map { try makeSource($0, capacity: 16, bitsArrived) }
        for source in sources { source.open() }
        let words = 10_000
        let (lost, received) = (Flag(), Tally())
        let producers = sources.map { source in
            { @Sendable in
                for word in 0..<UInt64(words) where !lost.isRaised {
                    source.waitForSpace { source.full.free >= 16 || lost.isRaised }
                    if !lost.isRaised { source.put(TaggedStream.word(word)) }
                }
            }
        }
        let consumer = { @Sendable in
            while received.value < 2 * words, !lost.isRaised {
                let taken = sources.flatMap { TaggedStream.numbers(in: $0.takeAll(.full)) }
                received.add(taken.count)
                if taken.isEmpty { Self.await(bitsArrived, sources, lost) }
            }
        }
        try concurrently(producers + [consumer])
        #expect(!lost.isRaised)
        #expect(received.value == 2 * words)
    }

    @Test("delivers nothing published before it was closed once the consumer knows of that")
    func gate() throws {
        let bitsArrived = try Wakeup()
        let source = try makeSource("a", capacity: 256, bitsArrived)
        let words = 20_000
        let (closed, late, last) = (Tally(), Tally(), Tally(-1))
        try concurrently([
            {
                source.open()
                var word = 0
                while word < words {
                    if word.isMultiple(of: 101), word < words - 101 {
                        source.close()
                        closed.value = word
                        source.open()
                    }
                    guard source.full.free >= 16 else { continue }
                    source.put(TaggedStream.word(UInt64(word)))
                    word += 1
                }
            },
            {
                while last.value < words - 1 {
                    let known = closed.value
                    let span = source.deliverable(.full)
                    let numbers = TaggedStream.numbers(in: Array(span)).map(Int.init)
                    source.remove(span.count, of: .full)
                    if numbers.contains(where: { $0 < known }) { late.add(1) }
                    if let newest = numbers.last { last.value = newest }
                }
            },
        ])
        #expect(late.value == 0)
    }

    /// Sleeps as the server does: says so, looks once more, and waits.
    private static func await(_ bitsArrived: Wakeup, _ sources: [EntropySource], _ lost: Flag) {
        for source in sources { source.consumerWillWait() }
        guard sources.allSatisfy({ $0.deliverableCount(.full) == 0 }) else { return }
        guard !bitsArrived.wait(milliseconds: patience) else { return }
        lost.raise()
        for source in sources { source.wakeProducer() }
    }

    private func makeSource(
        _ name: String, capacity: Int, _ bitsArrived: Wakeup
    ) throws -> EntropySource {
        try EntropySource(
            name: name, provenance: .hardware, raw: EntropyRing(capacity: 16, locked: false),
            full: EntropyRing(capacity: capacity, locked: false), bitsArrived: bitsArrived)
    }
}

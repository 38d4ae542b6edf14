// SPDX-License-Identifier: Apache-2.0

import EntropyRing
import EntropyTerms
import LinuxPlatform
import PlaneTestSupport
import TestSupport
import Testing

@Suite(
    "Source: the gate, waking in both directions, wiping unasked")
struct EntropySourceTests {
    private let source: EntropySource
    private let bitsArrived: Wakeup
    private let bytes = TaggedStream.bytes(count: 64)

    init() throws {
        bitsArrived = try Wakeup()
        source = try EntropySource(
            name: "a", provenance: .simulated, raw: EntropyRing(capacity: 128, locked: false),
            full: EntropyRing(capacity: 64, locked: false), bitsArrived: bitsArrived)
    }

    @Test("has a ring for raw and one for full, and none for expand")
    func rings() {
        #expect(source.ring(of: .raw) === source.raw)
        #expect(source.ring(of: .full) === source.full)
        #expect(source.ring(of: .expand) == nil)
        source.open()
        source.put(bytes)
        #expect(source.deliverable(.expand).isEmpty)
        #expect(source.deliverableCount(.expand) == 0)
        source.remove(1, of: .expand)
        #expect(source.deliverableCount(.full) == 64)
    }

    @Test("delivers nothing before it is opened")
    func closedAtFirst() {
        #expect(!source.isOpen)
        source.put(bytes)
        #expect(source.deliverable(.full).isEmpty)
        #expect(source.deliverableCount(.full) == 0)
    }

    @Test("delivers what is published while it is open, by grade", arguments: [Grade.raw, .full])
    func delivers(grade: Grade) {
        source.open()
        source.put(bytes, grade)
        #expect(source.deliverableCount(grade) == 64)
        #expect(source.deliverableCount(grade == .raw ? .full : .raw) == 0)
        #expect(source.takeAll(grade) == bytes)
        #expect(source.deliverableCount(grade) == 0)
    }

    @Test(
        "discards and wipes both rings when it is closed, and delivers what comes after reopening")
    func closeAndReopen() {
        source.open()
        source.put(bytes, .raw)
        source.put(bytes, .full)
        source.close()
        #expect(source.deliverableCount(.raw) == 0)
        #expect(source.deliverable(.full).isEmpty)
        source.open()
        #expect(source.deliverable(.raw).isEmpty)
        #expect(source.deliverable(.full).isEmpty)
        let later = TaggedStream.bytes(from: 100, count: 32)
        source.put(later)
        #expect(source.takeAll(.full) == later)
        #expect(source.full.writableSpan().allSatisfy { $0 == 0 })
    }

    @Test("wipes what was discarded although nobody asks for bits")
    func wipesUnasked() {
        source.open()
        source.put(bytes, .raw)
        source.put(bytes, .full)
        source.close()
        #expect(source.full.free == 0)
        source.wipeDiscarded()
        #expect(source.full.free == 64)
        #expect(source.raw.free == 128)
        #expect(source.full.writableSpan().allSatisfy { $0 == 0 })
        #expect(source.raw.writableSpan().allSatisfy { $0 == 0 })
    }

    @Test("wakes the consumer when it closes, so that the bits are wiped at once")
    func closeWakesConsumer() {
        source.open()
        #expect(!bitsArrived.wait(milliseconds: 0))
        source.close()
        #expect(bitsArrived.wait(milliseconds: 0))
    }

    @Test("wakes a consumer that waits once, and one that does not wait not at all")
    func wakesConsumer() {
        source.open()
        source.put([1])
        #expect(!bitsArrived.wait(milliseconds: 0))
        source.consumerWillWait()
        source.put([2])
        #expect(bitsArrived.wait(milliseconds: 0))
        source.put([3])
        #expect(!bitsArrived.wait(milliseconds: 0))
    }

    @Test("lets a producer for which there is room go on at once")
    func noNeedToWait() throws {
        let isDone = try finishes { [source] in source.waitForSpace { true } }
        #expect(isDone)
    }

    @Test("wakes a producer that waits when bits are removed")
    func wakesProducer() throws {
        source.open()
        source.put(bytes)
        let asked = Tally()
        try concurrently([
            { [source] in
                source.waitForSpace {
                    asked.add(1)
                    return source.full.free == 64
                }
            },
            { [source] in
                _ = eventually { asked.value > 0 }
                for _ in 0..<64 { source.remove(1, of: .full) }
            },
        ])
        #expect(asked.value >= 2)
        #expect(source.full.free == 64)
    }

    @Test("wakes a producer that waits when discarded bits are wiped")
    func wipingWakesProducer() throws {
        source.open()
        source.put(bytes)
        source.close()
        let asked = Tally()
        try concurrently([
            { [source] in
                source.waitForSpace {
                    asked.add(1)
                    return source.full.free == 64
                }
            },
            { [source] in
                _ = eventually { asked.value > 0 }
                source.wipeDiscarded()
            },
        ])
        #expect(source.full.free == 64)
    }

    @Test("makes a producer that waits look again when it is told to")
    func producerLooksAgain() throws {
        let stop = Flag()
        let asked = Tally()
        try concurrently([
            { [source] in
                source.waitForSpace {
                    asked.add(1)
                    return stop.isRaised
                }
            },
            { [source] in
                _ = eventually { asked.value > 0 }
                stop.raise()
                source.wakeProducer()
            },
        ])
        #expect(stop.isRaised)
    }
}

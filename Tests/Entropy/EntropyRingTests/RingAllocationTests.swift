// SPDX-License-Identifier: Apache-2.0

import AllocationCounting
import EntropyRing
import EntropyTerms
import LinuxPlatform
import PlaneTestSupport
import TestSupport
import Testing

@Suite("Ring: no allocation for bytes that go through it", .countsAllocationsOfOptimisedCode)
struct RingAllocationTests {
    private let source: EntropySource
    private let ring: EntropyRing

    init() throws {
        ring = try EntropyRing(capacity: 4096, locked: false)
        source = try EntropySource(
            name: "source", provenance: .hardware, raw: EntropyRing(capacity: 64, locked: false),
            full: ring, bitsArrived: Wakeup())
        source.open()
    }

    /// Puts bytes in as the pipeline does, and takes them out as the server does.
    private func pass(_ count: Int) {
        let space = ring.writableSpan()
        for index in 0..<min(count, space.count) { space[index] = 0xA5 }
        source.publish(min(count, space.count), in: ring)
        let bits = source.deliverable(.full)
        source.remove(bits.count, of: .full)
        ring.deliveredPerSecond.add(bits.count, now: monotonicNanoseconds())
    }

    @Test("In the steady state")
    func steady() {
        pass(1)
        let found = allocations { for count in 1...1_000 { pass(count) } }
        #expect(found.count == 0, "\(found)")
    }

    @Test("Also when what is in it is discarded, again and again")
    func discarding() {
        let found = allocations {
            for _ in 0..<100 {
                source.close()
                source.open()
                pass(100)
                source.wipeDiscarded()
            }
        }
        #expect(found.count == 0, "\(found)")
    }

    @Test("One allocation would be noticed")
    func control() {
        var kept: [[UInt8]] = []
        kept.reserveCapacity(1)
        let found = allocations {
            pass(1)
            kept.append(Array(source.deliverable(.full)) + [1])
        }
        #expect(found.count > 0 && !found.first.isEmpty)
    }
}

// SPDX-License-Identifier: Apache-2.0

import EntropyRing
import Testing

@Suite(
    "Rate meter: rates at given times")
struct RateMeterTests {
    private let meter = RateMeter()
    private let second: UInt64 = 1_000_000_000
    private let start: UInt64 = 77_000_000_000

    @Test("reads 0 before it has seen a quarter of a second")
    func nothingYet() {
        #expect(meter.value(now: start) == 0)
        meter.add(1_000_000, now: start)
        meter.add(1_000_000, now: start + second / 5)
        #expect(meter.value(now: start + second / 5) == 0)
    }

    @Test("gives what was counted after its first moment, per second")
    func steady() {
        for step in 0...100 { meter.add(50, now: start + UInt64(step) * second / 100) }
        #expect(meter.value(now: start + second) == 5000)
    }

    @Test("follows a change of the rate")
    func change() {
        for step in 0...100 { meter.add(50, now: start + UInt64(step) * second / 100) }
        for step in 101...200 { meter.add(10, now: start + UInt64(step) * second / 100) }
        #expect(meter.value(now: start + 2 * second) == 1000)
    }

    @Test("reads 0 once nothing came by for two seconds")
    func rests() {
        meter.add(1, now: start)
        meter.add(500, now: start + second / 2)
        #expect(meter.value(now: start + second) == 1000)
        #expect(meter.value(now: start + second / 2 + 2 * second) == 0)
    }

    @Test("does not spread over a rest what was counted before and after it")
    func afterRest() {
        meter.add(1, now: start)
        meter.add(500, now: start + second / 2)
        let later = start + 60 * second
        meter.add(9999, now: later)
        #expect(meter.value(now: later) == 0)
        meter.add(100, now: later + second / 2)
        #expect(meter.value(now: later + second / 2) == 200)
    }
}

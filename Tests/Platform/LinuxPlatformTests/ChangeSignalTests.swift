// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import Synchronization
import Testing

@Suite("Change signal")
struct ChangeSignalTests {
    private final class Calls: Sendable {
        let count = Atomic(0)
        var value: Int { count.load(ordering: .relaxed) }
    }

    @Test("tells its listener once, until the flag is lowered")
    func once() {
        let (signal, calls) = (ChangeSignal(), Calls())
        signal.listen { calls.count.add(1, ordering: .relaxed) }
        signal.raise()
        signal.raise()
        #expect(calls.value == 1)
        signal.lower()
        #expect(calls.value == 1)
        signal.raise()
        #expect(calls.value == 2)
    }

    @Test("tells a listener that comes late of a change that was not looked at")
    func late() {
        let (signal, calls) = (ChangeSignal(), Calls())
        signal.raise()
        signal.listen { calls.count.add(1, ordering: .relaxed) }
        #expect(calls.value == 1)
    }

    @Test("tells of the last change although the flag is up")
    func last() {
        let (signal, calls) = (ChangeSignal(), Calls())
        signal.listen { calls.count.add(1, ordering: .relaxed) }
        signal.raise()
        #expect(!signal.isOver)
        signal.raiseLast()
        #expect(signal.isOver && calls.value == 2)
        signal.lower()
        #expect(signal.isOver)
    }

    @Test("replaces its listener")
    func replaced() {
        let (signal, first, second) = (ChangeSignal(), Calls(), Calls())
        signal.listen { first.count.add(1, ordering: .relaxed) }
        signal.listen { second.count.add(1, ordering: .relaxed) }
        signal.raise()
        #expect(first.value == 0 && second.value == 1)
    }

    @Test("loses no change between threads")
    func threads() throws {
        let signal = ChangeSignal()
        let wakeup = try Wakeup()
        signal.listen { wakeup.signal() }
        let produced = Published()
        let last = 200_000
        let producer = try WorkerThread(name: "test") {
            for number in 1...last {
                produced.number.store(number, ordering: .relaxed)
                signal.raise()
            }
        }
        var seen = 0
        while seen < last {
            guard wakeup.wait(milliseconds: 30_000) else { break }
            signal.lower()
            seen = produced.number.load(ordering: .relaxed)
        }
        producer.join()
        #expect(seen == last)
    }

    private final class Published: Sendable {
        let number = Atomic(0)
    }
}

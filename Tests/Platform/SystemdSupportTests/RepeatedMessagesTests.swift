// SPDX-License-Identifier: Apache-2.0

import SystemdSupport
import Testing

/// The messages under test, by reference.
private final class Log {
    private var messages: RepeatedMessages<Int>

    init(lines: Int = 1_000) {
        messages = RepeatedMessages(.init(period: 100, lines: lines, interval: 10))
    }

    var due: UInt64? { messages.due }

    func admits(_ message: Int, amount: Int = 1, now: UInt64) -> Bool {
        messages.admits(message, amount: amount, now: now)
    }

    func sums(_ now: UInt64) -> [Int: Int] {
        Dictionary(uniqueKeysWithValues: messages.sums(now: now).map { ($0.message, $0.amount) })
    }
}

@Suite(
    "Messages that come again and again: logged once in a while, with how many there were")
struct RepeatedMessagesTests {
    @Test("are written once, and then in sum once a period, until no more come")
    func repeated() {
        let log = Log()
        #expect(log.admits(7, now: 1_000))
        #expect(log.due == nil)
        for now in [1_000, 1_001, 1_099] as [UInt64] { #expect(!log.admits(7, now: now)) }
        #expect(log.due == 1_100)
        #expect(log.sums(1_099) == [:])
        #expect(log.sums(1_105) == [7: 3])
        #expect(log.due == nil)
        #expect(!log.admits(7, amount: 40, now: 1_150))
        #expect(!log.admits(7, amount: 2, now: 1_300))
        #expect(log.sums(1_300) == [7: 42])
        #expect(log.sums(1_500) == [:])
        // It has been quiet for a period.
        #expect(log.admits(7, now: 1_500))
    }

    @Test("keep no other message from being written")
    func others() {
        let log = Log()
        for number in 0..<50 { #expect(log.admits(number, now: 7)) }
        for number in 0..<50 { #expect(!log.admits(number, now: 8)) }
        #expect(log.sums(107) == Dictionary(uniqueKeysWithValues: (0..<50).map { ($0, 1) }))
    }

    @Test("are not forgotten when there are too many of them: they are told in sum, later")
    func tooMany() {
        let log = Log(lines: 10)
        #expect((0..<25).filter { log.admits($0, now: 0) } == Array(0..<10))
        var told: Set<Int> = []
        var now: UInt64 = 100
        while let due = log.due {
            now = max(now, due)
            let sums = log.sums(now)
            #expect(sums.count <= 10)
            told.formUnion(sums.keys)
        }
        #expect(told == Set(10..<25))
        #expect(now < 200)
    }

    @Test("lose nothing, however they come")
    func conserved() {
        let log = Log(lines: 3)
        var told = 0
        for now in 0..<5_000 as Range<UInt64> {
            if now < 4_000, log.admits(Int(now * now % 17), now: now) { told += 1 }
            told += log.sums(now).values.reduce(0, +)
        }
        #expect(told == 4_000)
        #expect(log.due == nil)
    }
}

// SPDX-License-Identifier: Apache-2.0

import SystemdSupport
import Testing

/// The messages under test, by reference: numbers, of which the tens are the group.
private final class Log {
    private var messages: RepeatedMessages<Int, Int>

    init(lines: Int = 1_000, recovery: UInt64 = 10) {
        messages = RepeatedMessages(period: 100, budget: LineBudget(lines: lines, recovery: recovery))
    }

    var due: UInt64? { messages.due }

    func admits(_ message: Int, amount: Int = 1, now: UInt64) -> Bool {
        messages.admits(message / 10, message, amount: amount, now: now)
    }

    /// The amount of each group.
    func sums(_ now: UInt64) -> [Int: Int] { wholeSums(now).mapValues(\.amount) }

    func wholeSums(_ now: UInt64) -> [Int: RepeatedMessages<Int, Int>.Sum] {
        Dictionary(uniqueKeysWithValues: messages.sums(now: now).map { ($0.group, $0) })
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
        #expect(log.sums(1_105) == [0: 3])
        #expect(log.due == nil)
        #expect(!log.admits(7, amount: 40, now: 1_150))
        #expect(!log.admits(7, amount: 2, now: 1_300))
        #expect(log.sums(1_300) == [0: 42])
        #expect(log.sums(1_500) == [:])
        // It has been quiet for a period.
        #expect(log.admits(7, now: 1_500))
    }

    @Test("keep no other message from being written")
    func others() {
        let log = Log()
        for number in 0..<50 { #expect(log.admits(number, now: 7)) }
        for number in 0..<50 { #expect(!log.admits(number, now: 8)) }
        #expect(log.sums(108) == [0: 10, 1: 10, 2: 10, 3: 10, 4: 10])
    }

    @Test("are summed up with those of their group, and the sum tells which they were")
    func groups() {
        let log = Log()
        for number in [11, 12, 13, 21] { #expect(log.admits(number, now: 7)) }
        for now in 10..<20 as Range<UInt64> {
            #expect(!log.admits(11, now: now) && !log.admits(13, now: now) && !log.admits(21, now: now))
        }
        let sums = log.wholeSums(120)
        #expect(sums.mapValues(\.amount) == [1: 20, 2: 10])
        #expect(sums.mapValues(\.subjects) == [1: [11, 13], 2: [21]])
    }

    @Test("are not forgotten when there are too many of them: they are told in sum")
    func tooMany() {
        let log = Log(lines: 10)
        #expect((0..<25).filter { log.admits($0, now: 0) } == Array(0..<10))
        #expect(log.due == 100)
        #expect(log.sums(100) == [1: 10, 2: 5])
    }

    @Test("lose nothing, however they come, and write no more than the budget and a sum of each group a period")
    func conserved() {
        let log = Log(lines: 30, recovery: 50)
        var (told, lines) = (0, 0)
        for now in 0..<5_000 as Range<UInt64> {
            if now < 4_000, log.admits(Int(now * now % 97), now: now) { (told, lines) = (told + 1, lines + 1) }
            let sums = log.sums(now)
            told += sums.values.reduce(0, +)
            lines += sums.count
        }
        #expect(told == 4_000)
        #expect(log.due == nil)
        #expect(lines <= 30 + 5_000 / 50 + 10 * 5_000 / 100)
    }

    @Test("have sums that stop at the largest number there is")
    func saturation() {
        let log = Log()
        #expect(log.admits(1, amount: .max, now: 0))
        for _ in 0..<2 { #expect(!log.admits(1, amount: .max - 1, now: 1)) }
        #expect(log.sums(200) == [0: .max])
    }

    @Test("have a budget of lines, of which one comes back at a time")
    func budget() {
        var budget = LineBudget(lines: 3, recovery: 10)
        let moments: [UInt64] = [100, 100, 100, 100, 109, 110, 119, 1_000, 1_000, 1_000, 1_000]
        let taken = moments.map { budget.take(now: $0) }
        #expect(taken == [true, true, true, false, false, true, false, true, true, true, false])
    }
}

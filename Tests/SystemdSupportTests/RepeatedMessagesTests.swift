// SPDX-License-Identifier: Apache-2.0

import SystemdSupport
import Testing

@Suite("Messages that come again and again")
struct RepeatedMessagesTests {
    @Test("are written once, and then once a period with how many were not")
    func repeated() {
        var messages = RepeatedMessages<String>(period: 100)
        #expect(messages.admits("a", now: 1_000) == 0)
        for now in [1_000, 1_001, 1_099] as [UInt64] {
            #expect(messages.admits("a", now: now) == nil)
        }
        #expect(messages.admits("a", now: 1_100) == 3)
        #expect(messages.admits("a", now: 1_199) == nil)
        #expect(messages.admits("a", now: 9_000) == 1)
        #expect(messages.admits("a", now: 9_200) == 0)
    }

    @Test("keep no other message from being written")
    func others() {
        var messages = RepeatedMessages<Int>(period: 100)
        for number in 0..<50 { #expect(messages.admits(number, now: 7) == 0) }
        for number in 0..<50 { #expect(messages.admits(number, now: 8) == nil) }
    }
}

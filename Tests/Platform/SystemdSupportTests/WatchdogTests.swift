// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemdSupport
import Testing

@Suite(
    "The watchdog: when the manager is told, and that it is not when a thread neither moves nor waits"
)
struct WatchdogTests {
    /// A second, in nanoseconds.
    private static let second: UInt64 = 1_000_000_000

    /// With a timeout of two seconds: it looks once a second.
    private static func watchdog(_ threads: [(name: String, heartbeat: Heartbeat)]) -> Watchdog {
        Watchdog(timeout: 2_000_000, threads: threads, now: 0)
    }

    @Test("Is told twice in its timeout, and not more often")
    func interval() {
        var watchdog = Self.watchdog([])
        #expect(watchdog.wait(now: 0) == 0)
        #expect(watchdog.look(now: 0) == .alive)
        #expect(watchdog.wait(now: 1) == 1000)
        #expect(watchdog.look(now: Self.second - 1) == .notDue)
        #expect(watchdog.wait(now: Self.second - 1) == 1)
        #expect(watchdog.look(now: Self.second) == .alive)
        #expect(watchdog.wait(now: 5 * Self.second) == 0)
    }

    @Test("Is told nothing as long as a thread neither moves nor waits")
    func stopped() {
        let (first, second) = (Heartbeat(), Heartbeat())
        var watchdog = Self.watchdog([("first", first), ("second", second)])
        #expect(watchdog.look(now: 0) == .alive)
        first.beat()
        #expect(watchdog.look(now: Self.second) == .stopped(["second"]))
        #expect(watchdog.look(now: 2 * Self.second) == .stopped(["first", "second"]))
        first.beat()
        second.beat()
        #expect(watchdog.look(now: 3 * Self.second) == .alive)
    }

    @Test("Is told that a thread lives that waits, however long, and no longer when it is back")
    func waits() {
        let thread = Heartbeat()
        var watchdog = Self.watchdog([("thread", thread)])
        thread.waiting {
            for look in 0..<5 { #expect(watchdog.look(now: UInt64(look) * Self.second) == .alive) }
        }
        #expect(watchdog.look(now: 5 * Self.second) == .alive, "it has moved")
        #expect(watchdog.look(now: 6 * Self.second) == .stopped(["thread"]))
    }

    @Test("A timeout beyond every clock is never due again")
    func endless() {
        var watchdog = Watchdog(timeout: .max, threads: [], now: 0)
        #expect(watchdog.look(now: 0) == .alive)
        #expect(watchdog.look(now: 1 << 61) == .notDue)
    }
}

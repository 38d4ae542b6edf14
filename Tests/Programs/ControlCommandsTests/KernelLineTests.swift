// SPDX-License-Identifier: Apache-2.0

import ControlCommands
import ControlInterface
import ControlTestSupport
import Testing

@Suite(
    "The line about the kernel: fed, not fed, why")
struct KernelLineTests {
    private static func line(
        fed secondsAgo: Double?, cause: String? = nil, remedy: String? = nil
    ) -> String {
        let hasFed = secondsAgo != nil
        return kernelLine(
            KernelFeedStatus(
                intervalSeconds: 60, contributions: hasFed ? 20 : 0, bytes: hasFed ? 1_280 : 0,
                creditedBits: hasFed ? 10_240 : 0, lastFed: secondsAgo.map { Samples.now - $0 },
                cause: cause, remedy: remedy),
            now: Samples.now)
    }

    @Test("It says when and what, why not, or both")
    func lines() {
        #expect(Self.line(fed: nil) == "kernel not fed yet")
        #expect(Self.line(fed: nil, cause: "c", remedy: "r") == "kernel not fed: c; r")
        let fed = Self.line(fed: 30)
        #expect(fed.hasPrefix("kernel fed 2026-03-01"))
        #expect(fed.contains("30 s ago, 1,280 B in total, credited 10,240 bit, every 1 min"))
        #expect(Self.line(fed: 30, cause: "c").hasPrefix("kernel not fed: c (last fed 2026-03-01"))
        #expect(!fed.contains("\n"))
    }
}

// SPDX-License-Identifier: Apache-2.0

import EntropyClient
import EntropyTerms
import Foundation
import Glibc
import TestSupport
import Testing

@Suite(
    "Bad devices behind the running daemon: lanes stuck from the start, too few good lanes, a flood of alarms, no board"
)
struct HealthTests {
    private static func configuration(dead: Double) -> String {
        """
        boards:
          - name: array0
            seed: 7
            array:
              deadDeviceFraction: \(dead)
              spread: {diameter: 0, anisotropy: 0, strayFieldMicrotesla: 0}
        """
    }

    private static func counts(_ daemon: DaemonProcess) throws -> [String: Int] {
        try daemon.boardStatus("laneCounts") as? [String: Int] ?? [:]
    }

    @Test("Lanes stuck from the start are masked and reported, and the others serve")
    func stuckLanes() throws {
        let daemon = try DaemonProcess(Self.configuration(dead: 0.05))
        let connection = try daemon.connect()
        #expect(try connection.read(count: 65536, grade: .raw).count == 65536)
        let counts = try Self.counts(daemon)
        let failed = try #require(counts["failed"])
        #expect((10...45).contains(failed))
        #expect((counts["good"] ?? 0) + (counts["warned"] ?? 0) == 512 - failed)
        #expect(daemon.tells("failed the repetition count test and is masked"))
        let status = try mectl("status", directory: daemon.directory)
        #expect(status.status == 0)
        #expect(status.text.hasPrefix("SIMULATED"))
    }

    @Test("With too few good lanes nothing is served, and the reason is told")
    func tooFewGoodLanes() throws {
        let daemon = try DaemonProcess(Self.configuration(dead: 0.5))
        let waitsForBits = try RawClient(daemon.directory.entropy)
        waitsForBits.send(readRequest(length: 32))
        #expect(try eventually { try daemon.boardStatus("state") as? String == "unhealthy" })
        let connection = try daemon.connect()
        for grade in [Grade.full, .raw] {
            #expect(throws: EntropyError.unavailable) {
                try connection.read(count: 1, grade: grade, waits: false)
            }
        }
        let status = try mectl("status", directory: daemon.directory)
        #expect(status.status == 3)
        #expect(status.text.contains("good lanes"))
        #expect(daemon.stop() == 0)
        // The one that waited was told the end, and got no bit.
        let last = waitsForBits.receiveAll()
        #expect(last.count == 24)
        #expect(last.prefix(2) == [1, 5])
    }

    @Test(
        "A marginal array, whose lanes fail again whenever they are used, does not flood the log: it takes longer each time",
        .thorough)
    func marginalArray() throws {
        let daemon = try DaemonProcess(
            """
            boards: [{name: array0, seed: 3, trim: {hold: false}, array: {spread: {anisotropy: 0.0005}}}]
            health: {claimedEntropyPerBit: 1.0, startUpWindows: 1, minimumGoodLanesPercent: 1}
            rings: {fullBytes: 65536, rawBytes: 65536}
            """)
        let begin = ContinuousClock.now
        let connection = try daemon.connect()
        for _ in 0..<64 { _ = try connection.read(count: 1 << 20) }
        // Without a longer way back each time, it would be thousands.
        let epoch = try #require(try daemon.boardStatus("healthEpoch") as? Int)
        #expect((20..<1000).contains(epoch))
        #expect(daemon.stop() == 0)
        let lines = daemon.logText.split(separator: "\n")
        // Each lane once, ten lanes more a minute, a sum of each test a minute, and a few lines about other things.
        let minutes = 1 + Int((ContinuousClock.now - begin) / .seconds(60))
        #expect((100..<680 + 20 * minutes).contains(lines.count))
        #expect(lines.contains { $0.contains("failed the") })
    }

    @Test("Without a board it runs, says so, and serves nothing")
    func noBoard() throws {
        let daemon = try DaemonProcess("log: {level: info}")
        #expect(daemon.tells("no board is configured"))
        let connection = try daemon.connect()
        #expect(throws: EntropyError.unavailable) { try connection.read(count: 1, waits: false) }
        #expect(try mectl("status", directory: daemon.directory).status == 3)
        #expect(daemon.stop() == 0)
    }
}

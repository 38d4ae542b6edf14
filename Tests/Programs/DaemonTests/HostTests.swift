// SPDX-License-Identifier: Apache-2.0

import EntropyClient
import EntropyTerms
import Foundation
import Glibc
import LinuxPlatform
import TestSupport
import Testing

@Suite(
    "A generator of the host behind the daemon: served as such; a FIFO whose feeders pause and end, a terminal; files that are refused"
)
struct HostTests {
    @Test("A character device serves as a board of the provenance host")
    func device() throws {
        let daemon = try DaemonProcess(
            "boards: [{name: host0, kind: host, path: /dev/urandom, lanes: 64}]")
        // It is genuine as far as the daemon can tell: no permission is needed.
        let connection = try EntropyConnection(path: daemon.directory.entropy)
        #expect(try connection.read(count: 4096).count == 4096)
        #expect(connection.origin?.provenance == .host)
        #expect(try mectl("status", directory: daemon.directory).text.contains("host0"))
        #expect(daemon.stop() == 0)
    }

    @Test("What is no device is refused, with what is allowed")
    func refused() throws {
        let daemon = try DaemonProcess("boards: [{name: host0, kind: host, path: /etc/passwd}]")
        #expect(try eventually { try daemon.boardStatus("state") as? String == "failed" })
        #expect(try #require(try daemon.boardStatus("cause") as? String).contains("/etc/passwd"))
        #expect(daemon.stop() == 0)
    }

    /// Bits for so many windows of 64 lanes.
    private static func bytes(windows: Int, _ random: inout SeededGenerator) -> [UInt8] {
        random.words(windows * 1024).withUnsafeBytes { Array($0) }
    }

    /// Writes all of it; the FIFO must have a reader.
    private static func write(_ bytes: [UInt8], to fifo: FileHandle) throws {
        try fifo.write(contentsOf: Data(bytes))
    }

    private static func isWaiting(_ daemon: DaemonProcess, for text: String) throws -> Bool {
        try eventually {
            try daemon.boardStatus("state") as? String == "waiting"
                && daemon.boardStatus("cause") as? String == "waiting for the source: \(text)"
        }
    }

    private static func windows(_ daemon: DaemonProcess, reach count: Int) throws -> Bool {
        try eventually { try daemon.boardStatus("shots") as? Int ?? 0 >= count * 1024 }
    }

    @Test("A FIFO stays open while its feeders pause, end and begin, and no bit is lost or tested anew", .thorough)
    func pausingFeeder() throws {
        signal(SIGPIPE, SIG_IGN)
        let directory = SocketDirectory()
        let path = "\(directory.path)/bits"
        try #require(mkfifo(path, 0o600) == 0)
        let daemon = try DaemonProcess(
            "boards: [{name: h, kind: host, lanes: 64, path: \(path), patienceSeconds: 0.5}]", directory: directory)
        #expect(try Self.isWaiting(daemon, for: "no program has \(path) open for writing"))
        let remedy = try #require(try daemon.boardStatus("remedy") as? String)
        #expect(remedy.contains("source") && !remedy.contains("board"))
        // A job is not kept waiting for bits.
        let record = try mectl(
            "record", "--shots", "1", "--output", "\(directory.path)/r", directory: directory)
        #expect(record.status != 0 && record.errors.contains("waits for its source"))
        var random = SeededGenerator(12)
        var feeder = FileHandle(forWritingAtPath: path)
        try Self.write(Self.bytes(windows: 20, &random), to: try #require(feeder))
        #expect(try Self.windows(daemon, reach: 20))
        #expect(try Self.isWaiting(daemon, for: "nothing comes from \(path)"))
        let epoch = try #require(try daemon.boardStatus("healthEpoch") as? Int)
        #expect(try daemon.connect().read(count: 32, waits: false).count == 32)
        #expect(try mectl("calibrate", directory: directory).status != 0)
        try Self.write(Self.bytes(windows: 20, &random), to: try #require(feeder))
        #expect(try Self.windows(daemon, reach: 40))
        try feeder?.close()
        feeder = nil
        #expect(try Self.isWaiting(daemon, for: "no program has \(path) open for writing"))
        feeder = FileHandle(forWritingAtPath: path)
        try Self.write(Self.bytes(windows: 20, &random), to: try #require(feeder))
        #expect(try Self.windows(daemon, reach: 60))
        #expect(try daemon.boardStatus("healthEpoch") as? Int == epoch)
        #expect(try daemon.boardStatus("shotsDropped") as? Int == 0)
        #expect(!daemon.logText.contains("error: board h"))
        #expect(daemon.stop() == 0)
    }

    @Test("A terminal is served raw, hears nothing of its own bits, and is as before afterwards")
    func terminal() throws {
        let terminal = try PseudoTerminal()
        let before = terminal.settings
        let directory = SocketDirectory()
        let daemon = try DaemonProcess(
            "boards: [{name: h, kind: host, lanes: 64, path: \(terminal.path), patienceSeconds: 0.5}]",
            directory: directory)
        #expect(try Self.isWaiting(daemon, for: "nothing comes from \(terminal.path)"))
        var random = SeededGenerator(13)
        try terminal.send(Self.bytes(windows: 20, &random))
        #expect(try Self.windows(daemon, reach: 20))
        #expect(try daemon.connect().read(count: 32, waits: false).count == 32)
        #expect(try daemon.boardStatus("shots") as? Int == 20 * 1024)
        #expect(terminal.received() == [])
        #expect(daemon.stop() == 0)
        let after = terminal.settings
        #expect(after.c_lflag == before.c_lflag && after.c_iflag == before.c_iflag)
    }
}

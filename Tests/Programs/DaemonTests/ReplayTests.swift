// SPDX-License-Identifier: Apache-2.0

import EntropyClient
import EntropyTerms
import Foundation
import RecordingFormat
import TestSupport
import Testing

/// Recordings of `Fixtures/recordings` through the running daemon. `scripts/make-recordings` made them, and
/// what is expected of them.
@Suite(
    "Replayed recordings: the alarms that each is known for, served once, damaged")
struct ReplayTests {
    private static let folder = repositoryFile("Tests/Fixtures/recordings")

    static let names = ["healthy", "stuck", "retention", "common-mode", "overflow"]

    private static func replay(_ path: String) throws -> DaemonProcess {
        try DaemonProcess("boards: [{name: tape, kind: replay, path: \(path)}]")
    }

    private static func object(_ bytes: Data) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: bytes) as? [String: Any])
    }

    private static func hasEnded(_ daemon: DaemonProcess) throws -> Bool {
        try eventually { try daemon.boardStatus("state") as? String == "ended" }
    }

    @Test("show the same alarms each time, in the same shots", arguments: names)
    func goldens(name: String) throws {
        let daemon = try Self.replay("\(Self.folder)/\(name).recording")
        #expect(try Self.hasEnded(daemon))
        let expected = try Self.object(
            Data(contentsOf: URL(filePath: "\(Self.folder)/\(name).json")))
        let health = try Self.object(
            try mectl("health", "--json", directory: daemon.directory).output)
        #expect(health["provenance"] as? String == "replay")
        for key in ["laneCounts", "windows"] {
            #expect(try #require(health[key] as? NSObject) == expected[key] as? NSObject, "\(key)")
        }
        for key in ["framesAccepted", "framesRejected", "shotsDropped"] {
            #expect(try daemon.boardStatus(key) as? Int == expected[key] as? Int, "\(key)")
        }
        let alarms = try #require(health["alarms"] as? [[String: Any]]).map { alarm in
            alarm.filter { $0.key != "time" } as NSDictionary
        }
        #expect(alarms as NSArray == expected["alarms"] as? NSArray)
        #expect(daemon.stop() == 0)
    }

    /// A copy of the healthy recording that gives its board another serial number.
    ///
    /// - Parameter serial: as it stands in JSON.
    private static func recording(
        serial: String, in directory: SocketDirectory
    ) throws -> String {
        let bytes = try Data(contentsOf: URL(filePath: "\(folder)/healthy.recording"))
        let lines = bytes.split(separator: UInt8(ascii: "\n"), maxSplits: 2, omittingEmptySubsequences: false)
        let text = String(decoding: lines[1], as: UTF8.self)
        let known = try #require(text.firstMatch(of: #/"serial":"[^"]*"/#))
        let changed = text.replacing(known.output, with: "\"serial\":\"\(serial)\"")
        let context = try #require(changed.firstMatch(of: #/"context":(.*),"crc32c"/#)).1
        let digits = String(RecordingPreamble.checksum(of: Array(context.utf8)), radix: 16)
        let padding = String(repeating: "0", count: 8 - digits.count)
        let line = "{\"context\":\(context),\"crc32c\":\"\(padding)\(digits)\"}\n"
        let path = "\(directory.path)/hostile.recording"
        try (Data(lines[0] + [UInt8(ascii: "\n")]) + Data(line.utf8) + Data(lines[2]))
            .write(to: URL(filePath: path))
        return path
    }

    @Test("cannot disturb a terminal or forge a line of the log with their texts")
    func hostileTexts() throws {
        let directory = SocketDirectory()
        let serial = #"T\u001b]0;x\u0007\u009b31m\u202e\u2066\u200f\nmetrngd: info: forged"#
        let path = try Self.recording(serial: serial, in: directory)
        let daemon = try DaemonProcess(
            "boards: [{name: tape, kind: replay, path: \(path)}]", directory: directory)
        #expect(daemon.tells("opened T\u{FFFD}]0;x\u{FFFD}\u{FFFD}31m"))
        #expect(try Self.hasEnded(daemon))
        var shown = [daemon.logText]
        for arguments in [["status"], ["status", "--json"], ["boards"], ["boards", "--json"], ["metrics"]] {
            let outcome = try run(
                "\(buildDirectory)/mectl", arguments + ["--socket", directory.control])
            shown.append(String(decoding: outcome.output, as: UTF8.self))
        }
        let export = try run(
            "\(buildDirectory)/mectl",
            ["export", path, "--lane", "0", "--output", "\(directory.path)/lane"])
        #expect(export.status == 0)
        shown.append(export.text)
        for text in shown {
            #expect(text.replacing("\n", with: "").printable == text.replacing("\n", with: ""))
            #expect(!text.contains("\nmetrngd: info: forged"))
        }
    }

    @Test("of a model say so in the status and in the log")
    func model() throws {
        let daemon = try Self.replay("\(Self.folder)/healthy.recording")
        #expect(try Self.hasEnded(daemon))
        #expect(daemon.tells("64 lanes, replay of simulated bits; its bits are NOT random"))
        #expect(try daemon.boardStatus("recordedFrom") as? String == "simulated")
        let status = try mectl("status", directory: daemon.directory).text
        #expect(
            status.contains("these bits come from a recording of a model and are neither random nor secret\n"))
        #expect(daemon.stop() == 0)
    }

    @Test("have rings that fit any number of lanes, as no setting tells it")
    func rings() throws {
        let daemon = try Self.replay("\(Self.folder)/healthy.recording")
        let rings = try #require(try daemon.boardStatus("rings") as? [[String: Any]])
        // Two windows of 4,096 lanes; the setting of raw bits is smaller.
        #expect(rings.count == 2)
        #expect(rings.allSatisfy { $0["capacityBytes"] as? Int ?? 0 >= 1 << 20 })
        #expect(daemon.stop() == 0)
    }

    @Test("are served once, as replay, and not at all without being asked for")
    func servedOnce() throws {
        let daemon = try Self.replay("\(Self.folder)/healthy.recording")
        #expect(try Self.hasEnded(daemon))
        let strict = try EntropyConnection(path: daemon.directory.entropy)
        #expect(throws: EntropyError.notGenuine(.replay)) { try strict.read(count: 1) }
        let connection = try daemon.connect()
        var raw = 0
        while let bytes = try? connection.read(count: 8, grade: .raw, waits: false) {
            raw += bytes.count
        }
        // Of 20 windows of 8 KiB the start-up test takes four; the rest went to one of two grades.
        #expect(raw > 0 && raw <= 16 * 8192)
        #expect(throws: EntropyError.unavailable) {
            try connection.read(count: 8, grade: .raw, waits: false)
        }
        #expect(try mectl("status", directory: daemon.directory).status == 3)
        #expect(
            try mectl("inject", "stall", directory: daemon.directory).errors.contains(
                "not simulated"))
        #expect(daemon.stop() == 0)
    }

    @Test("are streamed to their end, and then the stream ends", arguments: ["raw", "full"])
    func streamed(grade: String) throws {
        let daemon = try Self.replay("\(Self.folder)/healthy.recording")
        // A board that cannot be opened would be waited for.
        try #require(try Self.hasEnded(daemon))
        let all = try mectl(
            "stream", "--allow-simulated", "--grade", grade, directory: daemon.directory)
        #expect(all.status == 0)
        #expect(all.errors.contains("the recording has ended"))
        let rings = try #require(try daemon.boardStatus("rings") as? [[String: Any]])
        let ring = try #require(rings.first { $0["grade"] as? String == grade })
        #expect(all.output.count > 1024)
        #expect(ring["deliveredBytes"] as? Int == all.output.count)
        let more = try mectl(
            "stream", "--allow-simulated", "--grade", grade, "--bytes", "32",
            directory: daemon.directory)
        #expect(more.status == 3 && more.output.isEmpty)
        #expect(daemon.stop() == 0)
    }

    @Test("that are damaged give what comes before the damage, and name the place")
    func damaged() throws {
        let directory = TemporaryDirectory()
        let damaged = directory.file("damaged")
        var bytes = try Data(contentsOf: URL(filePath: "\(Self.folder)/healthy.recording"))
        bytes[bytes.count * 3 / 4] ^= 1
        try bytes.write(to: URL(filePath: damaged))
        let daemon = try Self.replay(damaged)
        #expect(try Self.hasEnded(daemon))
        let cause = try #require(try daemon.boardStatus("cause") as? String)
        #expect(cause.contains("damaged at byte"), "\(cause)")
        let shots = try #require(try daemon.boardStatus("shots") as? Int)
        #expect((13 * 1024...15 * 1024).contains(shots))
        #expect(daemon.stop() == 0)
    }

    @Test("that are none are told as such", arguments: ["", "no recording\n"])
    func none(text: String) throws {
        let directory = TemporaryDirectory()
        try Data(text.utf8).write(to: URL(filePath: directory.file("none")))
        let daemon = try Self.replay(directory.file("none"))
        #expect(try eventually { try daemon.boardStatus("state") as? String == "failed" })
        #expect(daemon.stop() == 0)
    }
}

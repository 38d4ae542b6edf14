// SPDX-License-Identifier: Apache-2.0

import EntropyClient
import Foundation
import Glibc
import TestSupport
import Testing

@Suite(
    "The command lines of metrngd and mectl: exit statuses, the check of a configuration, mectl stream"
)
struct CommandLineTests {
    private static func metrngd(_ arguments: String...) throws -> Outcome {
        try run("\(buildDirectory)/metrngd", arguments)
    }

    @Test("A wrong configuration: status 78, with file, line and key, for a check and for a start")
    func wrongConfiguration() throws {
        let directory = SocketDirectory()
        let file = try directory.write(
            "boards:\n  - name: a\n    lanes: 100\nlgo: {}\n", to: "bad.yaml")
        for check in [["--check-config"], ["--runtime-directory", directory.path]] {
            let outcome = try run("\(buildDirectory)/metrngd", ["--config", file] + check)
            #expect(outcome.status == 78)
            #expect(outcome.errors.contains("\(file):3"))
            #expect(outcome.errors.contains("boards[0].lanes"))
            #expect(outcome.errors.contains("\(file):4"))
            #expect(outcome.errors.contains("lgo"))
        }
        #expect(directory.contents == ["bad.yaml"])
    }

    @Test("A valid configuration passes the check and starts nothing")
    func validConfiguration() throws {
        let directory = SocketDirectory()
        let file = try directory.write("boards: [{name: a}]\n", to: "good.yaml")
        let outcome = try Self.metrngd("--config", file, "--check-config")
        #expect(outcome.status == 0)
        #expect(outcome.text.contains("is valid (\(file))"))
    }

    @Test("A wrong command line has status 64, and help and version have 0")
    func usage() throws {
        #expect(try Self.metrngd("--simulate").status == 64)
        #expect(try Self.metrngd("--help").status == 0)
        #expect(try Self.metrngd("--version").text.contains("0.1.0"))
        #expect(try run("\(buildDirectory)/mectl", ["stauts"]).status == 64)
        #expect(try run("\(buildDirectory)/mectl", ["version"]).status == 0)
    }

    @Test("meboard says what it needs to show boards")
    func needs() throws {
        let help = try run("\(buildDirectory)/meboard", ["--help"]).text
        #expect(help.contains("\"emulate\" must run under umockdev-wrapper"))
        #expect(help.contains("\"attach\" needs root and the kernel module vhci-hcd"))
    }

    @Test("mectl without a daemon has status 69 and says what to do")
    func unreachable() throws {
        let directory = SocketDirectory()
        let outcome = try mectl("status", directory: directory)
        #expect(outcome.status == 69)
        #expect(outcome.errors.contains("mectl: error:"))
        #expect(outcome.errors.contains("mectl: hint:"))
        let stream = try run(
            "\(buildDirectory)/mectl", ["stream", "--entropy-socket", directory.entropy])
        #expect(stream.status == 69)
    }

    @Test(
        "What a board refuses is not announced before",
        arguments: [
            (["calibrate"], "/dev/urandom", ["serving", "idle"]),
            (["record", "--shots", "1", "--output"], "/dev/absent", ["failed"]),
        ])
    func refused(verb: [String], device: String, states: [String]) throws {
        let daemon = try DaemonProcess(
            "boards: [{name: a, kind: host, path: \(device), lanes: 64}]")
        #expect(
            try eventually { states.contains(try daemon.boardStatus("state") as? String ?? "") })
        let file = verb.last == "--output" ? ["\(daemon.directory.path)/tape"] : []
        let outcome = try run(
            "\(buildDirectory)/mectl", verb + file + ["--socket", daemon.directory.control])
        #expect(outcome.status != 0)
        #expect(outcome.errors.hasPrefix("mectl: error: "), "\(outcome.errors)")
    }

    @Test("A coarse sweep proposes the shortest pulse with 50 % ones, which it measured with trims", .thorough)
    func coarseSweep() throws {
        let daemon = try DaemonProcess("boards: [{name: array0, seed: 15, lanes: 128, array: {deadDeviceFraction: 0}}]")
        for widths in ["100:1000:5", "100:9000:10"] {
            let outcome = try mectl(
                "calibrate", "--width", widths, "--shots", "8192", "--json", directory: daemon.directory)
            #expect(outcome.status == 0, "\(outcome.errors)")
            let object = try JSONSerialization.jsonObject(with: outcome.output) as? [String: Any]
            let sweep = try #require(object?["sweep"] as? [String: Any])
            let proposal = try #require(sweep["proposal"] as? [String: Any])
            let width = try #require(proposal["pulseWidthPicoseconds"] as? Double)
            #expect((470...495).contains(width))
            #expect(try #require(sweep["holdableLanes"] as? Int) >= 125)
        }
        // Nothing was judged meanwhile, but received.
        #expect(try #require(try daemon.boardStatus("shots") as? Int) > 15 * 8 * 1024)
        #expect(daemon.stop() == 0)
    }

    @Test("A recording that is interrupted keeps the good part, which can be exported, and the board serves again")
    func interruptedRecording() throws {
        let daemon = try DaemonProcess()
        let file = "\(daemon.directory.path)/array.recording"
        let recorder = Process()
        recorder.executableURL = URL(fileURLWithPath: "\(buildDirectory)/mectl")
        recorder.arguments = [
            "record", "--shots", "1000000000", "--output", file, "--socket", daemon.directory.control,
        ]
        recorder.standardError = FileHandle.nullDevice
        try recorder.run()
        // More than the text before the frames.
        #expect(
            eventually {
                var status = stat()
                return stat(file, &status) == 0 && status.st_size > 1 << 20
            })
        kill(recorder.processIdentifier, SIGINT)
        recorder.waitUntilExit()
        #expect(recorder.terminationStatus == 130)
        let lane = try run("\(buildDirectory)/mectl", ["export", file, "--lane", "5", "--output", "-"])
        #expect(lane.status == 1 && lane.errors.contains("truncated at byte"))
        #expect(lane.output.count >= 1 << 14 && lane.output.allSatisfy { $0 < 2 })
        #expect(try daemon.connect().read(count: 32).count == 32)
        #expect(daemon.stop() == 0)
    }

    @Test("mectl stream gives exactly the bytes asked for, and simulated ones only when told to")
    func stream() throws {
        let daemon = try DaemonProcess()
        let socket = ["--entropy-socket", daemon.directory.entropy]
        let refused = try run("\(buildDirectory)/mectl", ["stream", "--bytes", "100"] + socket)
        #expect(refused.status == 1)
        #expect(refused.output.isEmpty)
        #expect(refused.errors.contains("simulated"))
        #expect(refused.errors.contains("--allow-simulated"))
        for (count, grade) in [(1, "full"), (100_000, "full"), (3_000_001, "raw")] {
            let outcome = try run(
                "\(buildDirectory)/mectl",
                ["stream", "--bytes", "\(count)", "--grade", grade, "--allow-simulated"] + socket)
            #expect(outcome.status == 0)
            #expect(outcome.output.count == count)
        }
    }
}

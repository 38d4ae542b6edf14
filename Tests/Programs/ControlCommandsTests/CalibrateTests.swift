// SPDX-License-Identifier: Apache-2.0

import BoardOperations
import BoardProtocol
import ControlCommands
import ControlInterface
import ControlTestSupport
import Glibc
import LinuxPlatform
import OperatingPointControl
import TestSupport
import Testing
import Varlink

@Suite(
    "mectl calibrate: what is asked for, CSV and files, --apply, no proposal, interrupts, impossible ranges",
    .timeLimit(.minutes(5)))
struct CalibrateTests {
    private let directory = TemporaryDirectory()

    private static let note =
        "mectl: note: nothing is served while operating points are measured\n"

    private static func daemon(_ sweep: SweepReport) throws -> FakeDaemon {
        let daemon = try FakeDaemon()
        daemon.operation.play([
            .item(Calibrate.Reply(pointsDone: 1, pointsTotal: 2, sweep: nil)),
            .last(Calibrate.Reply(pointsDone: 2, pointsTotal: 2, sweep: sweep)),
        ])
        return daemon
    }

    private static func run(_ daemon: FakeDaemon, _ arguments: [String] = []) -> Invocation {
        Invocation(["calibrate"] + arguments, environment: ["METRNG_CONTROL": daemon.path])
    }

    @Test(
        "Asks for every width at every amplitude, and for the usual widths unasked",
        arguments: [
            ([], nil, SweepRange(from: 50, to: 9_000, count: 180), 65_536),
            (
                ["--amplitude", "1100"], SweepRange(from: 1_100, to: 1_100, count: 1),
                SweepRange(from: 50, to: 9_000, count: 180), 65_536
            ),
            (
                ["--amplitude", "900:1300:5"], SweepRange(from: 900, to: 1_300, count: 5), nil,
                65_536
            ),
            (
                ["--amplitude", "900:1300:5", "--width", "300:400.5:3", "--shots", "2048"],
                SweepRange(from: 900, to: 1_300, count: 5),
                SweepRange(from: 300, to: 400.5, count: 3), 2_048
            ),
        ] as [([String], SweepRange?, SweepRange?, Int)])
    func asks(arguments: [String], amplitudes: SweepRange?, widths: SweepRange?, shots: Int) throws {
        let daemon = try Self.daemon(SampleSweeps.precession)
        let invocation = Self.run(daemon, arguments)
        #expect(invocation.exitCode == 0 && invocation.messages == Self.note)
        #expect(
            daemon.operation.begun.first?.operation as? Calibrate
                == Calibrate(amplitudes: amplitudes, widths: widths, shotsPerPoint: shots))
        #expect(daemon.operation.begun.count == 1)
    }

    @Test(
        "Warns of a range that may be in volts or nanoseconds before it is measured",
        arguments: [
            (
                ["--amplitude", "1.1"],
                "--amplitude is in mV: the board is at 1100 mV, and measured is up to 1.1 mV; did you mean 1100?"
            ),
            (
                ["--width", "0:0.9:10"],
                "--width is in ps: the board is at 350 ps, and measured is up to 0.9 ps; did you mean 0:900:10?"
            ),
        ])
    func unlikelyUnits(arguments: [String], warning: String) throws {
        let daemon = try Self.daemon(SampleSweeps.precession)
        let invocation = Self.run(daemon, arguments)
        #expect(invocation.exitCode == 0)
        #expect(invocation.messages == "mectl: warning: \(warning)\n" + Self.note)
    }

    @Test("Prints the sweep as JSON, with what was not set as null")
    func json() throws {
        let daemon = try Self.daemon(SampleSweeps.precession)
        let report = CalibrationReport(sweep: SampleSweeps.precession, applied: nil)
        let output = Self.run(daemon, ["--json"]).output
        #expect(try output == report.rendered(as: .json))
        #expect(output.hasPrefix(#"{"applied":null,"sweep":{"holdableLanes":null,"name":"board0","#))
    }

    @Test("Sets the proposal when it is told to, and says so")
    func apply() throws {
        let sweep = SampleSweeps.precession
        let daemon = try Self.daemon(sweep)
        // The fake plays the same steps for both operations; a board's answer is of the second.
        let proposal = try #require(sweep.proposal)
        let provider = daemon.operation
        let invocation = Invocation(
            ["calibrate", "--apply"], environment: ["METRNG_CONTROL": daemon.path],
            messagesAreOnTerminal: true,
            onMessage: { message in
                if message == "\r\u{1B}[K" {
                    provider.play([.last(SetOperatingPoint.Reply(operatingPoint: proposal))])
                }
            })
        #expect(invocation.exitCode == 0)
        #expect(
            invocation.output.contains(
                "Set: the operating point of board0 is now 1100 mV, 437 ps, 250 µT"))
        #expect(!invocation.output.contains("Not set"))
        #expect(
            daemon.operation.begun.last?.operation as? SetOperatingPoint
                == SetOperatingPoint(
                    PartialOperatingPoint(
                        amplitudeMillivolts: 1_100, pulseWidthPicoseconds: 437,
                        biasFieldMicrotesla: 250)))
    }

    @Test("Without a proposal there is nothing to set, but there is something to see")
    func nothingProposed() throws {
        var sweep = SampleSweeps.precession
        sweep.proposal = nil
        sweep.reason = "at no point"
        let daemon = try Self.daemon(sweep)
        let invocation = Self.run(daemon, ["--apply"])
        #expect(
            invocation.exitCode == 1 && invocation.output.contains("No proposal: at no point\n"))
        #expect(
            invocation.messages == Self.note + """
                mectl: error: no operating point was good enough to be set
                mectl: hint: sweep other widths or amplitudes

                """)
        #expect(daemon.operation.begun.count == 1)
    }

    @Test("Writes the points as CSV, a line each below the names of the columns")
    func csv() throws {
        var sweep = SampleSweeps.precession
        sweep.points = Array(sweep.points.prefix(1))
        let expected = """
            amplitude_mV,width_ps,switching,ones,deviation,lag_one,provenance
            1100.0,0.0,0.0,0.25,0.01,-0.002,simulated

            """
        let onOutput = Self.run(try Self.daemon(sweep), ["--csv", "-"])
        #expect(onOutput.exitCode == 0 && onOutput.output == expected)
        let path = directory.file("points.csv")
        let inFile = Self.run(try Self.daemon(sweep), ["--csv", path])
        #expect(inFile.exitCode == 0 && inFile.output.contains("Proposal"))
        #expect(try String(decoding: contents(ofFile: path), as: UTF8.self) == expected)
    }

    @Test("Files are new ones, and there are none when the sweep fails")
    func files() throws {
        let daemon = try Self.daemon(SampleSweeps.precession)
        let paths = ["a.csv", "a.svg"].map(directory.file)
        let arguments = ["--csv", paths[0], "--svg", paths[1]]
        #expect(Self.run(daemon, arguments).exitCode == 0)
        #expect(directory.entries == ["a.csv", "a.svg"])
        unlink(paths[0])
        let again = Self.run(daemon, arguments)
        #expect(
            again.exitCode == 1 && again.messages.contains("existing files are not overwritten"))
        #expect(directory.entries == ["a.svg"] && daemon.operation.begun.count == 1)
        unlink(paths[1])
        daemon.operation.play([.item(Calibrate.Reply(pointsDone: 0, pointsTotal: 1, sweep: nil))])
        daemon.operation.fail(.boardFailed(board: "board0", cause: "no frame for 2 s"))
        #expect(Self.run(daemon, arguments).exitCode == 3)
        #expect(directory.entries.isEmpty)
    }

    @Test(
        "Of a sweep that the daemon or the board refuses nothing else is said",
        arguments: [[], [.item(Calibrate.Reply(pointsDone: 0, pointsTotal: 0, sweep: nil))]]
            as [[VarlinkReplyStep]])
    func refused(steps: [VarlinkReplyStep]) throws {
        let daemon = try FakeDaemon()
        daemon.operation.play(steps)
        daemon.operation.fail(.notTunable(board: "board0"))
        let invocation = Self.run(daemon)
        #expect(invocation.exitCode == 1)
        #expect(
            invocation.messages == "mectl: error: board0 has no operating point to set\n"
        )
    }

    @Test("An interrupt ends the sweep and leaves nothing")
    func interrupted() throws {
        let daemon = try FakeDaemon()
        daemon.operation.play([.item(Calibrate.Reply(pointsDone: 1, pointsTotal: 180, sweep: nil))])
        let invocation = Invocation(
            ["calibrate", "--csv", directory.file("a.csv")],
            environment: ["METRNG_CONTROL": daemon.path], isInterrupted: { true })
        #expect(invocation.exitCode == 130 && invocation.output == "")
        #expect(directory.entries.isEmpty)
        #expect(eventually { daemon.operation.abandoned == 1 })
    }

    @Test("Tells a terminal how far it is")
    func progress() throws {
        let daemon = try Self.daemon(SampleSweeps.precession)
        let invocation = Invocation(
            ["calibrate"], environment: ["METRNG_CONTROL": daemon.path],
            messagesAreOnTerminal: true)
        #expect(invocation.messages.hasPrefix(Self.note + "\rmectl: 1 of 2 points\u{1B}[K"))
        #expect(invocation.messages.hasSuffix("\r\u{1B}[K"))
    }

    @Test(
        "A command line that makes no sense never reaches the daemon",
        arguments: [
            ["--width", "50:9000"], ["--width", "50:9000:0"], ["--width", "50:50:2"],
            ["--width", "50:9000:1"], ["--width", "nan"], ["--width", "0:inf:3"],
            ["--width", "0:9000:4097"], ["--width", "1:2:3:4"], ["--width", ""],
            ["--amplitude", "1:2:100", "--width", "1:2:100"], ["--shots", "1023"],
            ["--shots", "10000001"], ["--csv", "-", "--json"], ["a", "b"],
        ])
    func usage(arguments: [String]) throws {
        let daemon = try FakeDaemon()
        let invocation = Self.run(daemon, arguments)
        #expect(invocation.exitCode == 64 && invocation.output == "")
        #expect(daemon.operation.begun.isEmpty)
    }
}

// SPDX-License-Identifier: Apache-2.0

import BoardOperations
import BoardProtocol
import ControlCommands
import ControlInterface
import ControlTestSupport
import TestSupport
import Testing
import Varlink

@Suite(
    "mectl set and mectl inject: what is asked of the daemon, what never reaches it, refusals with their hints",
    .timeLimit(.minutes(5)))
struct SetAndInjectTests {
    private static let point = OperatingPoint(
        amplitudeMillivolts: 1_100, pulseWidthPicoseconds: 420, biasFieldMicrotesla: 250)

    private static func run(_ daemon: FakeDaemon, _ arguments: [String]) -> Invocation {
        Invocation(arguments, environment: ["METRNG_CONTROL": daemon.path])
    }

    @Test(
        "Set asks for what is given and leaves the rest as it is",
        arguments: [
            (["--width", "420"], PartialOperatingPoint(pulseWidthPicoseconds: 420)),
            (["--amplitude", "1.1e3"], PartialOperatingPoint(amplitudeMillivolts: 1_100)),
            (["--bias-field", "-30.5"], PartialOperatingPoint(biasFieldMicrotesla: -30.5)),
            (
                ["board0", "--amplitude", "900", "--width", "350", "--bias-field", "0"],
                PartialOperatingPoint(
                    amplitudeMillivolts: 900, pulseWidthPicoseconds: 350, biasFieldMicrotesla: 0)
            ),
        ])
    func set(arguments: [String], point: PartialOperatingPoint) throws {
        let daemon = try FakeDaemon()
        daemon.operation.play([.none, .last(SetOperatingPoint.Reply(operatingPoint: Self.point))])
        let invocation = Self.run(daemon, ["set"] + arguments)
        #expect(invocation.exitCode == 0 && invocation.messages == "")
        #expect(
            daemon.operation.begun.first?.operation as? SetOperatingPoint
                == SetOperatingPoint(point))
        #expect(daemon.operation.begun.map(\.board) == ["board0"])
        #expect(
            invocation.output == """
                SIMULATED — these bits come from a model and are not random

                board0: 1100 mV, 420 ps, 250 µT

                """)
    }

    @Test("Set asks for a preset, alone or with values of its own, and says where none is known")
    func preset() throws {
        let daemon = try FakeDaemon()
        daemon.operation.play([.last(SetOperatingPoint.Reply(operatingPoint: Self.point))])
        for (arguments, point) in [
            ([], PartialOperatingPoint()), (["--width", "470"], PartialOperatingPoint(pulseWidthPicoseconds: 470)),
        ] {
            #expect(Self.run(daemon, ["set", "--preset", "damped"] + arguments).exitCode == 0)
            let begun = daemon.operation.begun.last?.operation as? SetOperatingPoint
            #expect(begun == SetOperatingPoint(point, preset: "damped"))
        }
        for (presets, hint) in [
            ([], "a preset is a property of a model: measure the board with mectl calibrate"),
            (["quarterPeriod"], "known is: quarterPeriod"),
        ] {
            daemon.operation.play([])
            daemon.operation.fail(.noSuchPreset(board: "board0", preset: "damped", presets: presets))
            let refused = Self.run(daemon, ["set", "--preset", "damped"])
            #expect(refused.exitCode == 64 && refused.output == "")
            #expect(
                refused.messages == "mectl: error: no preset damped is known to suit the devices of board0\n"
                    + "mectl: hint: \(hint)\n")
        }
    }

    @Test(
        "Set warns of a value that may be in volts, nanoseconds or millitesla, and shows its digits",
        arguments: [
            (["--amplitude", "1.23"], "--amplitude is in mV: it was 1100 mV and is now 1.23 mV; did you mean 1230?"),
            (["--width", "0.46"], "--width is in ps: it was 350 ps and is now 0.46 ps; did you mean 460?"),
            (["--bias-field", "0.25"], "--bias-field is in µT: it was 250 µT and is now 0.25 µT; did you mean 250?"),
        ])
    func unlikelyUnits(arguments: [String], warning: String) throws {
        let daemon = try FakeDaemon()
        let set = OperatingPoint(amplitudeMillivolts: 1.23, pulseWidthPicoseconds: 0.46, biasFieldMicrotesla: 0.25)
        daemon.operation.play([.last(SetOperatingPoint.Reply(operatingPoint: set))])
        let invocation = Self.run(daemon, ["set"] + arguments)
        #expect(invocation.exitCode == 0)
        #expect(invocation.messages == "mectl: warning: \(warning)\n")
        #expect(invocation.output.hasSuffix("board0: 1.23 mV, 0.46 ps, 0.25 µT\n"))
    }

    @Test("Set prints the operating point as JSON")
    func setJSON() throws {
        let daemon = try FakeDaemon()
        daemon.operation.play([.last(SetOperatingPoint.Reply(operatingPoint: Self.point))])
        let invocation = Self.run(daemon, ["set", "SIM-0001", "--width", "420", "--json"])
        #expect(invocation.exitCode == 0)
        #expect(
            invocation.output == #"{"name":"board0","operatingPoint":{"amplitudeMillivolts":1100,"#
                + #""biasFieldMicrotesla":250,"pulseWidthPicoseconds":420},"provenance":"simulated"}"#
                + "\n")
    }

    @Test(
        "Inject orders a fault, and says where and when",
        arguments: [
            (
                ["stuckAt0", "--lanes", "7-9,3", "--after", "10", "--for", "2000"],
                InjectFault(
                    fault: "stuckAt0", lanes: [3, 7, 8, 9], afterShots: 10, forShots: 2_000),
                "board0: stuckAt0 on lanes 3,7-9, after 10 shots, for 2,000 shots\n"
            ),
            (
                ["vanish", "--board", "SIM-0001"],
                InjectFault(fault: "vanish"),
                "board0: vanish, from now, until mectl inject none\n"
            ),
            (
                ["temperature=350", "--for", "1000"],
                InjectFault(fault: "temperature=350", forShots: 1_000),
                "board0: temperature=350, from now, in 1,000 shots\n"
            ),
            (
                ["temperature=350"],
                InjectFault(fault: "temperature=350"),
                "board0: temperature=350, from now, at once\n"
            ),
        ])
    func inject(arguments: [String], operation: InjectFault, text: String) throws {
        let daemon = try FakeDaemon()
        let invocation = Self.run(daemon, ["inject"] + arguments)
        #expect(invocation.exitCode == 0 && invocation.messages == "")
        #expect(invocation.output == text)
        #expect(daemon.operation.begun.first?.operation as? InjectFault == operation)
        #expect(daemon.operation.begun.map(\.board) == ["board0"])
    }

    @Test("The fault none ends all faults")
    func injectNone() throws {
        let daemon = try FakeDaemon()
        let invocation = Self.run(daemon, ["inject", "none"])
        #expect(invocation.exitCode == 0 && invocation.output == "board0: all faults ended\n")
        #expect(
            daemon.operation.begun.first?.operation as? InjectFault
                == InjectFault(fault: InjectFault.none))
        let json = Self.run(daemon, ["inject", "none", "--json"])
        #expect(
            json.output
                == #"{"afterShots":0,"fault":"none","forShots":null,"lanes":[],"name":"board0"}"#
                + "\n")
    }

    @Test(
        "A command line that makes no sense never reaches the daemon",
        arguments: [
            (["set"], "nothing to set"), (["set", "board0"], "nothing to set"),
            (["set", "--width", "wide"], "'wide' is invalid"),
            (["set", "--width", "nan"], "finite numbers"),
            (["set", "--amplitude", "inf"], "finite numbers"),
            (["inject"], "Missing expected argument '<fault>'"),
            (["inject", "fire"], "there is no fault fire: stuckAt0, stuckAt1, telegraph"),
            (
                ["inject", "temperature=20"],
                "temperature takes a number from 250 to 400 in K, as in temperature=340, not temperature=20"
            ),
            (["inject", "temperature"], "as in temperature=340, not temperature"),
            (["inject", "stall=3"], "stall takes no value"),
            (["inject", "stal"], "there is no fault stal: stuckAt0, "),
            (["inject", "stuckAt0"], "stuckAt0 needs lanes"),
            (["inject", "vanish", "--lanes", "3"], "vanish is not a fault of single lanes"),
            (["inject", "stuckAt0", "--lanes", "9-7"], "3,7-9, not 9-7"),
            (["inject", "stuckAt0", "--lanes", "4096"], "3,7-9, not 4096"),
            (["inject", "stuckAt0", "--lanes", ""], "3,7-9"),
            (["inject", "stall", "--after=-1"], "--after takes a number from 0"),
            (["inject", "stall", "--for", "0"], "--for takes a number from 1"),
            (["inject", "none", "--lanes", "3"], "none ends all faults at once"),
            (["inject", "none", "--for", "3"], "none ends all faults at once"),
        ])
    func usage(arguments: [String], message: String) throws {
        let daemon = try FakeDaemon()
        let invocation = Self.run(daemon, arguments)
        #expect(invocation.exitCode == 64 && invocation.output == "")
        #expect(invocation.messages.hasPrefix("mectl: error: "))
        #expect(invocation.messages.contains(message))
        #expect(daemon.operation.begun.isEmpty)
    }

    @Test(
        "What the daemon refuses is said, with what to try next",
        arguments: [
            (
                .notPermitted, 77, "metrngd does not permit this user to make changes",
                "run this as root, or ask to be added to the group metrng-admin"
            ),
            (
                .boardFailed(board: "board0", cause: "no frame for 2 s"), 3,
                "board0: no frame for 2 s", "see its state: mectl status"
            ),
            (
                .busy(board: "board0"), 1, "another operation is in progress on board0",
                "try again when it has ended"
            ),
            (
                .outOfRange(
                    quantity: "pulse width in ps", value: 420, minimum: 50, maximum: 400), 64,
                "--width 420 ps is outside the board's limits", "it takes 50 ps to 400 ps"
            ),
            (
                .outOfRange(
                    quantity: "amplitude in mV", value: 1.5, minimum: 10, maximum: 2_000), 64,
                "--amplitude 1.5 mV is outside the board's limits", "it takes 10 mV to 2000 mV"
            ),
        ] as [(ControlError, Int32, String, String)])
    func refusals(error: ControlError, code: Int32, message: String, hint: String) throws {
        let daemon = try FakeDaemon()
        daemon.operation.play([])
        daemon.operation.fail(error)
        let invocation = Self.run(daemon, ["set", "--width", "420"])
        #expect(invocation.exitCode == code && invocation.output == "")
        #expect(invocation.messages == "mectl: error: \(message)\nmectl: hint: \(hint)\n")
    }

    @Test("Faults of boards that are not simulated, and lanes that a board lacks, are refused")
    func badFaults() throws {
        let daemon = try FakeDaemon()
        daemon.operation.play([])
        daemon.operation.fail(.notSimulated(board: "board0"))
        let real = Self.run(daemon, ["inject", "stall"])
        #expect(real.exitCode == 1 && real.messages.contains("board0 is not simulated by metrngd"))
        daemon.operation.fail(.badFault(reason: "there is no lane 600"))
        let lane = Self.run(daemon, ["inject", "stuckAt1", "--lanes", "600"])
        #expect(lane.exitCode == 64 && lane.messages == "mectl: error: there is no lane 600\n")
    }

    @Test("Who may only read is not permitted to set or inject")
    func notPermitted() throws {
        let daemon = try FakeDaemon()
        daemon.operation.permit(false)
        for arguments in [["set", "--width", "420"], ["inject", "none"]] {
            #expect(Self.run(daemon, arguments).exitCode == 77)
        }
        #expect(daemon.operation.begun.isEmpty)
    }

    @Test("Which of several boards is meant has to be said")
    func whichBoard() throws {
        var other = Samples.board
        (other.name, other.serial) = ("board1", "SIM-0002")
        let daemon = try FakeDaemon(boards: [Samples.board, other])
        let several = Self.run(daemon, ["inject", "stall"])
        #expect(several.exitCode == 4 && several.messages.contains("name one of: board0, board1"))
        let second = Self.run(daemon, ["inject", "stall", "--board", "SIM-0002"])
        #expect(second.exitCode == 0)
        #expect(daemon.operation.begun.map(\.board) == ["board1"])
    }
}

// SPDX-License-Identifier: Apache-2.0

import ControlCommands
import ControlInterface
import ControlTestSupport
import Glibc
import LinuxPlatform
import TestSupport
import Testing
import Varlink

@Suite(
    "The verbs of mectl: text, JSON and exit status of each, against a daemon with made-up boards",
    .timeLimit(.minutes(5)))
struct VerbTests {
    private static func board(
        _ name: String = "board0", _ state: BoardState = .serving
    ) -> BoardStatus {
        var board = Samples.board
        board.name = name
        board.state = state
        return board
    }

    private static func run(_ arguments: [String], _ daemon: FakeDaemon) -> Invocation {
        Invocation(arguments, environment: ["METRNG_CONTROL": daemon.path])
    }

    private static let reading = [
        [], ["status"], ["boards"], ["health"], ["watch"], ["config", "show"], ["version"],
    ]

    @Test(
        "A verb prints its report and nothing else",
        arguments: [
            ([], ReportArgument(Samples.status)), (["status"], ReportArgument(Samples.status)),
            (["status", "board0"], ReportArgument(Samples.status)),
            (["status", "SIM-0001"], ReportArgument(Samples.status)),
            (["boards"], ReportArgument(BoardList(boards: [Samples.summary]))),
            (["health"], ReportArgument(HealthReport(Samples.health))),
            (["health", "board0"], ReportArgument(HealthReport(Samples.health))),
            (
                ["health", "--map", "trim"],
                ReportArgument(HealthReport(Samples.health, map: .trim))
            ),
            (["config", "show"], ReportArgument(Samples.configuration)),
            (
                ["version"],
                ReportArgument(VersionReport(mectl: metrngVersion, metrngd: "0.1.0"))
            ),
        ])
    func reports(arguments: [String], argument: ReportArgument) throws {
        let report = argument.report
        let daemon = try FakeDaemon()
        let text = Self.run(arguments, daemon)
        #expect(text.exitCode == 0 && text.messages == "")
        #expect(try text.output == report.rendered(as: .text(palette: .plain, now: Samples.now)))
        let json = Self.run(arguments + ["--json"], daemon)
        #expect(json.exitCode == 0 && json.messages == "")
        #expect(try json.output == report.rendered(as: .json))
    }

    @Test("The first line of the status of a simulated board says so")
    func simulated() throws {
        #expect(Self.run([], try FakeDaemon()).output.hasPrefix("SIMULATED"))
    }

    @Test(
        "Status and boards tell by their exit code whether all boards are healthy",
        arguments: [
            ([.serving], 0), ([.idle], 0), ([.starting], 0), ([.unhealthy], 3), ([.failed], 3),
            ([.serving, .failed], 3), ([.serving, .idle], 0), ([], 3),
        ] as [([BoardState], Int32)])
    func exitCodes(states: [BoardState], code: Int32) throws {
        let boards = states.enumerated().map { Self.board("b\($0)", $1) }
        let daemon = try FakeDaemon(boards: boards)
        for arguments in [[], ["status"], ["boards"], ["status", "--json"], ["boards", "--json"]] {
            let invocation = Self.run(arguments, daemon)
            #expect(invocation.exitCode == code && !invocation.output.isEmpty)
        }
    }

    @Test("The status of a healthy board is not that of its neighbour")
    func oneOfTwo() throws {
        let daemon = try FakeDaemon(boards: [Self.board("well"), Self.board("ill", .unhealthy)])
        #expect(Self.run(["status", "well"], daemon).exitCode == 0)
        #expect(Self.run(["status", "ill"], daemon).exitCode == 3)
    }

    @Test(
        "Who asks for a board that is not there is told which are",
        arguments: [
            ["status", "x"], ["health", "x"], ["watch", "x"], ["health", "x", "--json"],
        ])
    func noSuchBoard(arguments: [String]) throws {
        let daemon = try FakeDaemon(boards: [Self.board("left"), Self.board("right")])
        let invocation = Self.run(arguments, daemon)
        #expect(invocation.exitCode == 4 && invocation.output == "")
        #expect(
            invocation.messages
                == "mectl: error: there is no board x\nmectl: hint: there are: left, right\n")
    }

    @Test(
        "Who asks for a serial number that two boards have is told their names",
        arguments: [
            ["status", "S"], ["health", "S"], ["watch", "S"], ["calibrate", "S"],
            ["set", "S", "--width", "1"], ["wait", "--for", "board", "S"],
        ])
    func ambiguous(arguments: [String]) throws {
        var boards = [Self.board("left"), Self.board("right")]
        for index in boards.indices { boards[index].serial = "S" }
        let invocation = Self.run(arguments, try FakeDaemon(boards: boards))
        #expect(invocation.exitCode == 4 && invocation.output == "")
        #expect(
            invocation.messages
                == "mectl: error: more than one board has the serial number S\n"
                + "mectl: hint: name one of: left, right\n")
    }

    @Test("Health has to be told which of several boards, and says when there is none")
    func whichBoard() throws {
        let daemon = try FakeDaemon(boards: [Self.board("left"), Self.board("right")])
        let several = Self.run(["health"], daemon)
        #expect(several.exitCode == 4 && several.messages.contains("name one of: left, right"))
        daemon.provider.setBoards([])
        let none = Self.run(["health"], daemon)
        #expect(none.exitCode == 3 && none.messages.hasPrefix("mectl: error: there is no board\n"))
    }

    @Test("Without a daemon, a verb names the socket and says what to do", arguments: reading)
    func unreachable(arguments: [String]) {
        let path = TemporaryDirectory().file("s")
        let invocation = Invocation(arguments + ["--socket", path])
        guard arguments != ["version"] else {
            #expect(invocation.exitCode == 0)
            #expect(invocation.output == "mectl \(metrngVersion)\nmetrngd does not answer\n")
            return
        }
        #expect(invocation.exitCode == 69 && invocation.output == "")
        #expect(
            invocation.messages == """
                mectl: error: cannot connect to \(path): No such file or directory
                mectl: hint: start metrngd (systemctl start metrngd; if that fails, see journalctl --unit metrngd), \
                or give its socket with --socket or METRNG_CONTROL

                """)
    }

    @Test("Who may not connect is told how to be allowed to")
    func notPermitted() throws {
        let daemon = try FakeDaemon()
        let path = daemon.path
        chmod(path, 0)
        let invocation = try #require(try asNobody { Invocation(["status", "--socket", path]) })
        #expect(invocation.exitCode == 77 && invocation.output == "")
        #expect(
            invocation.messages == """
                mectl: error: cannot connect to \(path): Permission denied
                mectl: hint: ask to be added to the group of the socket: ls -l \(path)

                """)
    }

    @Test("The option goes before the variable, an empty variable for none")
    func whichSocket() throws {
        let daemon = try FakeDaemon()
        let missing = TemporaryDirectory().file("s")
        let byOption = Invocation(
            ["--socket", daemon.path, "boards"], environment: ["METRNG_CONTROL": missing])
        #expect(byOption.exitCode == 0)
        let byDefault = Invocation(["boards"], environment: ["METRNG_CONTROL": ""])
        #expect(byDefault.messages.contains("/run/metrng/control.sock") || byDefault.exitCode == 0)
    }

    @Test("Options go before or after the verb", arguments: reading)
    func options(arguments: [String]) throws {
        guard arguments != ["watch"] else { return }
        let daemon = try FakeDaemon()
        let options = ["--json", "--socket", daemon.path]
        let after = Invocation(arguments + options)
        #expect(after.exitCode == 0 && after.output.hasPrefix("{"))
        #expect(Invocation(options + arguments).output == after.output)
    }

    @Test(
        "A command line that makes no sense is refused",
        arguments: [
            ["staus"], ["status", "a", "b"], ["--bogus"], ["watch", "--interval", "0"],
            ["watch", "--interval", "x"], ["watch", "--interval", "nan"], ["status", "--socket"],
            ["config", "hide"], ["health", "--map", "heat"],
        ])
    func usage(arguments: [String]) {
        let invocation = Invocation(arguments)
        #expect(invocation.exitCode == 64 && invocation.output == "")
        #expect(invocation.messages.hasPrefix("mectl: error: "))
        #expect(invocation.messages.contains("Usage: mectl"))
        #expect(invocation.messages.hasSuffix("\n") && !invocation.messages.hasSuffix("\n\n"))
    }

    @Test(
        "A verb that there is not gets the nearest one suggested",
        arguments: [
            (["stauts"], "there is no verb stauts; did you mean status?"),
            (["exprot", "--json"], "there is no verb exprot; did you mean export?"),
            (["--socket", "status", "recrod"], "there is no verb recrod; did you mean record?"),
            (["wiat"], "there is no verb wiat; did you mean wait?"),
            (["entropy"], "there is no verb entropy\n"),
        ])
    func suggestions(arguments: [String], message: String) {
        let invocation = Invocation(arguments)
        #expect(invocation.exitCode == 64)
        #expect(invocation.messages.hasPrefix("mectl: error: \(message)"), "\(invocation.messages)")
    }

    @Test(
        "A number that is out of bounds is said to be, also a negative one",
        arguments: [
            (["record", "--output", "x", "--shots", "-5"], "--shots takes a number from 1 to"),
            (["record", "--output", "x", "--shots", "5", "--restarts", "-1"], "--restarts takes a number from 1 to"),
            (["stream", "--bytes", "-5"], "--bytes takes a number from 1"),
            (["calibrate", "--shots", "-5"], "--shots takes a number from 1,024 to"),
            (["calibrate", "--width", "50:9000:5000"], "5,000 points are more than 4,096"),
            (["calibrate", "--width", "1:2:64", "--amplitude", "1:2:65"], "4,160 points are more than 4,096"),
            (["watch", "--interval", "-1"], "The interval must be between 0.1 and 3600 seconds"),
            (
                ["export", "x", "--lane", "1", "--output", "y", "--restart-matrix", "--rows", "-2"],
                "take numbers from 1"
            ),
        ])
    func bounds(arguments: [String], message: String) {
        let invocation = Invocation(arguments)
        #expect(invocation.exitCode == 64)
        #expect(invocation.messages.contains(message), "\(invocation.messages)")
    }

    @Test(
        "Options that mean nothing to a verb are refused, wherever they stand, and not offered",
        arguments: [
            (["export", "x", "--lane", "1", "--output", "y"], "--json"),
            (["export", "x", "--lane", "1", "--output", "y"], "--socket=z"), (["stream"], "--json"),
            (["metrics"], "--json"), (["board-check"], "--socket=z"),
        ])
    func foreignOptions(verb: [String], option: String) throws {
        let name = String(option.prefix { $0 != "=" })
        for arguments in [verb + [option], [option] + verb] {
            let invocation = Invocation(arguments)
            #expect(invocation.exitCode == 64)
            #expect(
                invocation.messages.hasPrefix("mectl: error: \(verb[0]) takes no \(name)\n"), "\(invocation.messages)")
        }
        #expect(!Invocation([verb[0], "--help"]).output.contains("\(name) "))
    }

    @Test(
        "Text for people is ASCII where the locale shows nothing else, and JSON is as it is",
        arguments: [
            (["LANG": "C"], true), (["LC_ALL": "POSIX", "LANG": "en_US.UTF-8"], true),
            (["LC_CTYPE": "de_DE.ISO-8859-1"], true), (["LANG": "C.UTF-8"], false),
            (["LC_ALL": "de_DE.utf8", "LANG": "C"], false), ([:], false),
        ] as [([String: String], Bool)])
    func locales(locale: [String: String], isASCII: Bool) throws {
        var board = Samples.board
        board.serial = "µ-7"
        let daemon = try FakeDaemon(boards: [board])
        let environment = locale.merging(["METRNG_CONTROL": daemon.path]) { $1 }
        for verb in [["status"], ["health"], ["health", "--map", "lag"]] {
            let text = Invocation(verb, environment: environment).output
            #expect(text.utf8.allSatisfy { $0 < 0x80 } == isASCII, "\(text)")
            #expect(text.contains("SIMULATED \(isASCII ? "-" : "—") these bits"))
        }
        let json = Invocation(["status", "--json"], environment: environment).output
        #expect(json.contains("µ-7"))
        let map = Invocation(["health"], environment: environment).output
        #expect(map.contains(isASCII ? "0.45 _.-=+*# 0.55   ! warned   x failed" : "0.45 ▁▂▃▄▅▆▇ 0.55"))
    }

    @Test("A path that is too long for a socket is said to be")
    func longPath() {
        let invocation = Invocation(["status", "--socket", "/" + String(repeating: "x", count: 120)])
        #expect(invocation.exitCode == 69)
        #expect(
            invocation.messages.hasSuffix(
                "mectl: hint: the path of a socket has at most 107 bytes: choose a shorter one\n"))
    }

    @Test(
        "Help and the version are data",
        arguments: [
            ["--help"], ["help"], ["help", "health"], ["watch", "--help"], ["config"],
            ["--version"],
        ])
    func help(arguments: [String]) {
        let invocation = Invocation(arguments)
        #expect(invocation.exitCode == 0 && invocation.messages == "")
        #expect(invocation.output.hasSuffix("\n") && invocation.output.count > 5)
    }

    @Test("Colours are for terminals whose user has not declined them")
    func colors() throws {
        let daemon = try FakeDaemon()
        func hasColors(_ variables: [String: String], isTerminal: Bool) -> Bool {
            let environment = variables.merging(["METRNG_CONTROL": daemon.path]) { $1 }
            return Invocation(["health"], environment: environment, isTerminal: isTerminal)
                .output.contains("\u{1B}")
        }
        #expect(hasColors([:], isTerminal: true))
        #expect(hasColors(["NO_COLOR": ""], isTerminal: true))
        #expect(!hasColors(["NO_COLOR": "1"], isTerminal: true))
        #expect(!hasColors(["TERM": "dumb"], isTerminal: true))
        #expect(!hasColors([:], isTerminal: false))
    }
}

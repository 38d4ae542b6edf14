// SPDX-License-Identifier: Apache-2.0

import ControlCommands
import ControlInterface
import ControlTestSupport
import EntropyTerms
import TestSupport
import Testing
import Varlink

@Suite(
    "Reports as text and JSON: status, boards, health and its maps, configuration; hostile names, unknown and extreme values"
)
struct RenderingTests {
    static func text(_ report: some Report, _ palette: Palette = .plain) throws -> String {
        try report.rendered(as: .text(palette: palette, now: Samples.now))
    }

    private static func status(_ boards: [BoardStatus]) -> StatusReport {
        StatusReport(service: Samples.service, boards: boards)
    }

    @Test("The status of a simulated board, on one screen")
    func status() throws {
        let expected = """
            SIMULATED — these bits come from a model and are not random

            ● board0 — simulated, serial SIM-0001, firmware 1.0, at built-in
                     State: serving since 2026-03-01 10:00:00 UTC; 2 h 0 min ago
                     Lanes: 511/512 give bits (at least 256): 508 good, 3 warned, 0 starting, 1 failed
                      Rate: 1.00 Mshots/s, 64.0 MB/s before conditioning
                    Frames: 301,408 good, 2 rejected, 0 shots dropped
                  Credited: 556 Gbit at 0.900 per raw bit (nominal: simulated bits have none)
                  Measured: 0.953 per raw bit or more in every lane that gives bits (of the model)
                Newest bit: 1.20 ms old
               Temperature: 41.3 °C (of the model)
                    Pulses: 1100 mV, 350 ps, 250 µT (of the model)
                  Encoding: direct
                 Grade raw: ring filled to 100 % of 1 MiB; delivered 0 B, now 0 B/s
                Grade full: ring filled to 50 % of 4 MiB; delivered 67.1 MB, now 48.3 MB/s
                Last alarm: adaptiveProportion failure on lane 17 (0.612 bit per bit measured), 2026-03-01 11:58:45 UTC; 1 min 15 s ago
              Last warning: none

            metrngd 0.1.0, process 4242, up 2 h 0 min, memory locked
            clients 3/64 at /run/metrng/entropy.sock, 0 refused
            kernel not fed: kernel.feed is false

            """
        #expect(try Self.text(Samples.status) == expected)
    }

    @Test("Who draws is told, those that drew most first, and how many more there are")
    func clients() throws {
        var status = Samples.status
        status.service.topClients = Samples.clients
        status.service.topClients[0].name = "Python 3.11, libmetrng 0.1.0"
        let expected = """
            clients 3/64 at /run/metrng/entropy.sock, 0 refused
              PROCESS  USER   UNIT             COMMAND      SINCE    BYTES        NOW  CLIENT
                 4711  alice  sampler.service  python3  1 h 2 min  67.0 MB  48.0 MB/s  Python 3.11, libmetrng 0.1.0
                    ?  65534  -                -              5 s     32 B      0 B/s  -
              and 1 more; mectl status --json lists more
            kernel not fed: kernel.feed is false

            """
        #expect(try Self.text(status).hasSuffix(expected))
        status.service.clients = 20
        status.service.topClients = Array(repeating: Samples.clients[0], count: 20)
        let text = try Self.text(status)
        #expect(text.contains("  and 12 more; "))
        #expect(text.split(separator: "\n").count { $0.contains("sampler.service") } == 8)
    }

    @Test("The newest three failures are told, and the newest warning as what it is")
    func alarms() throws {
        var board = Samples.board
        board.lastFailures = (0..<5).map { age in
            var alarm = Samples.alarm
            alarm.time -= Double(age)
            alarm.lane = age
            return alarm
        }
        let text = try Self.text(Self.status([board]))
        for (name, lane, age) in [
            ("Last alarm", 0, 15), ("     earlier", 1, 16), ("     earlier", 2, 17),
        ] {
            #expect(
                text.contains(
                    "\(name): adaptiveProportion failure on lane \(lane) (0.612 bit per bit measured), 2026-03-01 11:58:\(60 - age) UTC;"
                ))
        }
        #expect(!text.contains("lane 3"))
        board.lastWarning = AlarmReport(
            time: Samples.now - 1, lane: 9, test: "repetitionCount", severity: .warning, shot: 1,
            measuredEntropyPerBit: nil)
        #expect(
            try Self.text(Self.status([board])).contains(
                "  Last warning: repetitionCount warning on lane 9, 2026-03-01 11:59:59 UTC; 1 s ago"
                    + " (healthy lanes warn too)"))
    }

    @Test("Of failures that are over it is said that no lane is failed any more")
    func recovered() throws {
        var board = Samples.board
        #expect(try !Self.text(Self.status([board])).contains("any more"))
        board.laneCounts = LaneCounts(starting: 1, good: 508, warned: 3, failed: 0)
        #expect(try Self.text(Self.status([board])).contains("         now: no lane is failed any more\n"))
        board.lastFailures = []
        #expect(try !Self.text(Self.status([board])).contains("any more"))
    }

    @Test("Lanes that give no bits while points are measured or trims are learned are not said to give some")
    func withheldLanes() throws {
        var board = Samples.board
        board.untrimmableLanes = 4
        #expect(try Self.text(Self.status([board])).contains("511/512 give bits (at least 256)"))
        #expect(try Self.text(Self.status([board])).contains("1 failed; 4 untrimmable (see mectl health)\n"))
        for state in [BoardState.calibrating, .tuning] {
            board.state = state
            let text = try Self.text(Self.status([board]))
            #expect(text.contains("none of 512 gives bits meanwhile (at least 256 needed); earlier: 508 good"))
        }
    }

    @Test("Who has lanes for itself is told, and for how long")
    func leases() throws {
        var board = Samples.board
        board.laneCounts = LaneCounts(starting: 0, good: 200, warned: 0, failed: 1, leased: 311)
        board.leases = [
            LeaseStatus(
                lanes: 300, processId: 4_711, userId: 1_000, user: "ada", since: Samples.now - 75, secondsLeft: 30),
            LeaseStatus(lanes: 11, processId: 12, userId: 0, since: Samples.now - 3, secondsLeft: 3_600),
        ]
        let text = try Self.text(Self.status([board]))
        #expect(text.contains("200 good, 0 warned, 0 starting, 1 failed, 311 leased\n"))
        #expect(text.contains("        Leased: 300 lanes to process 4711 (ada) for 1 min 15 s, 30 s left\n"))
        #expect(text.contains("           and: 11 lanes to process 12 (user 0) for 3 s, 1 h 0 min left\n"))
        board.state = .leased
        let all = try Self.text(Self.status([board]))
        #expect(all.contains("leased (nothing new is served until the lease ends)"))
        #expect(all.contains("none of 512 gives bits meanwhile"))
    }

    @Test("A board that is ill says why, and what is not known says so")
    func illBoard() throws {
        var board = Samples.board
        board.provenance = .hardware
        board.state = .failed
        board.cause = "no frame for 2 s"
        board.remedy = "check the cable"
        board.temperatureCelsius = nil
        board.newestBitAge = nil
        board.lastFailures = []
        let text = try Self.text(Self.status([board]))
        #expect(text.hasPrefix("× board0 — "))
        for line in [
            "         State: failed since 2026-03-01 10:00:00 UTC; 2 h 0 min ago",
            "         Cause: no frame for 2 s", "        Remedy: check the cable",
            "    Newest bit: none yet", "    Last alarm: none",
            "  Last warning: none",
        ] {
            #expect(text.contains(line + "\n"))
        }
    }

    @Test("Of a board that was not opened yet no number of lanes is shown")
    func unknownLanes() throws {
        var board = Samples.board
        board.state = .failed
        board.lanes = 0
        board.laneCounts = LaneCounts(starting: 0, good: 0, warned: 0, failed: 0)
        let text = try Self.text(Self.status([board]))
        #expect(text.contains("         Lanes: unknown until the board is opened\n"))
        var summary = Samples.summary(of: board)
        summary.holder = ""
        let expected = """
            NAME    KIND       PROVENANCE  STATE   LANES  SERIAL    FIRMWARE  PATH      HOLDER
            board0  simulated  simulated   failed         SIM-0001  1.0       built-in

            """
        #expect(try Self.text(BoardList(boards: [summary])) == expected)
    }

    @Test("In a sweep the pulses are said to be those of before and after")
    func calibrating() throws {
        var board = Samples.board
        board.state = .calibrating
        let line =
            "        Pulses: 1100 mV, 350 ps, 250 µT (of the model) before and after the sweep\n"
        #expect(try Self.text(Self.status([board])).contains(line))
    }

    @Test("Unlocked memory and no board are said plainly")
    func noBoard() throws {
        var service = Samples.service
        service.lockedMemory = false
        let expected = """
            There is no board.

            metrngd 0.1.0, process 4242, up 2 h 0 min, MEMORY NOT LOCKED: bits can reach swap
            clients 3/64 at /run/metrng/entropy.sock, 0 refused
            kernel not fed: kernel.feed is false

            """
        #expect(try Self.text(StatusReport(service: service, boards: [])) == expected)
    }

    @Test(
        "What is not random or not secret is said on the first line",
        arguments: [
            ([.simulated], "SIMULATED — these bits come from a model and are not random\n\n"),
            ([.replay], "REPLAY — these bits come from a recording and are not secret\n\n"),
            ([.hardware], ""), ([.host], ""), ([], ""), ([.hardware, .host], ""),
            (
                [.replay, .hardware, .simulated, .simulated],
                "SIMULATED — the bits of b2, b3 come from a model and are not random\n"
                    + "REPLAY — the bits of b0 come from a recording and are not secret\n\n"
            ),
        ] as [([Provenance], String)])
    func banners(provenances: [Provenance], text: String) {
        #expect(banner(provenances.enumerated().map { ("b\($0)", $1) }) == text)
    }

    @Test("Boards are listed in columns")
    func boards() throws {
        var other = Samples.summary
        other.name = "a-longer-name"
        other.provenance = .hardware
        other.goodLanes = 7
        let expected = """
            NAME           KIND       PROVENANCE  STATE      LANES  SERIAL    FIRMWARE  PATH      HOLDER
            board0         simulated  simulated   serving  511/512  SIM-0001  1.0       built-in  metrngd
            a-longer-name  simulated  hardware    serving    7/512  SIM-0001  1.0       built-in  metrngd

            """
        #expect(try Self.text(BoardList(boards: [Samples.summary, other])) == expected)
        #expect(try Self.text(BoardList(boards: [])) == "There is no board.\n")
    }

    @Test("Where the columns do not fit, a board takes two lines", arguments: [60, 80])
    func narrowBoards(columns: Int) throws {
        var absent = Samples.summary
        (absent.name, absent.state, absent.lanes) = ("b1", .failed, 0)
        (absent.serial, absent.firmware, absent.path, absent.holder) = ("", "", "", "")
        let boards = BoardList(boards: [Samples.summary, absent])
        let expected = """
            NAME    KIND       PROVENANCE  STATE      LANES
            board0  simulated  simulated   serving  511/512
              serial SIM-0001, firmware 1.0, at built-in, held by metrngd
            b1      simulated  simulated   failed

            """
        let text = try boards.rendered(as: .text(palette: .plain, now: Samples.now, columns: columns))
        // Two boards of which all is known fit into 82 columns.
        #expect(folded(text, columns: 80) == expected)
        #expect(try boards.rendered(as: .text(palette: .plain, now: Samples.now, columns: 200)) == Self.text(boards))
    }

    @Test(
        "An age is in seconds below a minute, and in two units above",
        arguments: [
            (59.9, "59.9 s old"), (60, "1 min 0 s old"), (7_500, "2 h 5 min old"),
        ])
    func newestBitAge(seconds: Double, text: String) throws {
        var board = Samples.board
        board.newestBitAge = seconds
        #expect(try Self.text(Self.status([board])).contains("Newest bit: \(text)\n"))
    }

    @Test("Long lines are folded at spaces, under the value of a fact or by two spaces")
    func folding() {
        let red = "\u{1B}[31midle\u{1B}[0m"
        let text = """
                     State: \(red) since 2026-03-01 10:00:00 UTC; 5 s ago
                     Lanes: 512 good, 0 warned, 0 starting
            clients 3/64 at /run/metrng/entropy.sock, 0 refused

                0 ▒▒▒▒

            """
        #expect(
            folded(text, columns: 40) == """
                         State: \(red) since
                                2026-03-01 10:00:00 UTC;
                                5 s ago
                         Lanes: 512 good, 0 warned,
                                0 starting
                clients 3/64 at
                  /run/metrng/entropy.sock, 0 refused

                    0 ▒▒▒▒

                """)
        #expect(folded(text, columns: 80) == text)
        #expect(folded(text, columns: 39) == text)
        let word = String(repeating: "x", count: 50)
        #expect(folded("a \(word)", columns: 40) == "a\n  \(word)")
    }

    @Test(
        "The status, the boards and the health fit into narrow terminals when they are folded",
        arguments: [Palette.plain, .colored], [40, 60, 80])
    func narrow(palette: Palette, columns: Int) throws {
        let form = ReportForm.text(palette: palette, now: Samples.now, columns: columns)
        let texts =
            try [
                Samples.status.rendered(as: form), BoardList(boards: [Samples.summary]).rendered(as: form),
            ] + LaneQuantity.allCases.map { try HealthReport(Samples.health, map: $0).rendered(as: form) }
        for line in texts.flatMap({ folded($0, columns: columns).split(separator: "\n") }) {
            let visible = line.replacing(/\u{1B}\[[0-9;]*m/, with: "")
            #expect(visible.count <= columns, "\(visible)")
        }
    }

    @Test("Colours are the only difference that a palette makes to the status")
    func palettes() throws {
        let colored = try Self.text(Samples.status, .colored)
        #expect(colored.contains("\u{1B}[32mserving\u{1B}[0m"))
        var plain = colored
        for code in ["32", "0"] { plain = plain.replacing("\u{1B}[\(code)m", with: "") }
        #expect(try plain == Self.text(Samples.status))
    }

    @Test("A board that names itself in control sequences does nothing to the terminal")
    func hostileNames() throws {
        var board = Samples.board
        board.name = "x\u{1B}]0;owned\u{7}"
        board.serial = "\u{1B}[2J"
        board.firmware = "\r\n1"
        board.path = "\u{9B}1m"
        board.cause = "\u{1B}c"
        board.rings[0].grade = "\u{8}"
        let text = try Self.text(Self.status([board]))
        let table = try Self.text(BoardList(boards: [Samples.summary(of: board)]))
        for scalar in (text + table).unicodeScalars where scalar != "\n" {
            #expect(scalar.properties.generalCategory != .control)
        }
    }

    @Test(
        "Numbers at their limits are shown somehow", arguments: [Int.max, Int.min])
    func extremeNumbers(number: Int) throws {
        let counts = LaneCounts(starting: number, good: number, warned: number, failed: number)
        var board = Samples.board
        (board.laneCounts, board.lanes, board.minimumGoodLanes) = (counts, number, number)
        (board.shots, board.framesAccepted, board.creditedBits) = (number, number, number)
        #expect(try Self.text(Self.status([board])).contains("\(number) give bits"))
        var health = Samples.health
        (health.laneCounts, health.windows) = (counts, number)
        health.lanes.append(
            LaneReport(
                lane: number, state: .failed, p: Double(number), lagOne: 0, crossLane: 0,
                measuredEntropyPerBit: 0.99, bestPredictor: .constant, trim: number, trimState: .held,
                resistanceOhms: nil,
                alarms: ["a", "b"].map { AlarmCount(test: $0, count: number) }))
        #expect(try Self.text(HealthReport(health)).contains("\(number)  failed"))
    }

    @Test("The configuration is shown without what could disturb a terminal")
    func harmlessConfiguration() throws {
        let report = ConfigurationReport(files: [], yaml: "a: 1\n\nb: \u{1B}[2J\u{9B}31m\r\n")
        #expect(
            try Self.text(report)
                == "# built-in values\na: 1\n\nb: \u{FFFD}[2J\u{FFFD}31m\u{FFFD}\n")
    }

    @Test("The configuration is YAML with its source in a comment")
    func configuration() throws {
        #expect(
            try Self.text(Samples.configuration)
                == "# from /etc/metrng/metrngd.yaml\nboards:\n  - kind: simulated\n")
        let builtIn = ConfigurationReport(files: [], yaml: "a: 1")
        #expect(try Self.text(builtIn) == "# built-in values\na: 1\n")
    }

    @Test(
        "Every report is one line of JSON with sorted keys",
        arguments: [
            ReportArgument(Samples.status), ReportArgument(BoardList(boards: [Samples.summary])),
            ReportArgument(HealthReport(Samples.health)), ReportArgument(Samples.configuration),
            ReportArgument(VersionReport(mectl: "1", metrngd: nil)),
        ])
    func json(argument: ReportArgument) throws {
        let report = argument.report
        let text = try report.rendered(as: .json)
        #expect(text.filter { $0 == "\n" }.count == 1 && text.hasSuffix("}\n"))
        let value = try decodeJSON(JSONValue.self, from: text.utf8)
        #expect(String(decoding: try encodeJSON(value), as: UTF8.self) + "\n" == text)
    }

    @Test("What is not known has its key in JSON, too")
    func nulls() throws {
        let version = try VersionReport(mectl: "1", metrngd: nil)
            .rendered(as: .json)
        #expect(version == "{\"mectl\":\"1\",\"metrngd\":null}\n")
        let configuration = ConfigurationReport(files: [], yaml: "")
        #expect(try configuration.rendered(as: .json) == "{\"files\":[],\"yaml\":\"\"}\n")
    }
}

// SPDX-License-Identifier: Apache-2.0

import BoardOperations
import ControlCommands
import ControlInterface
import ControlTestSupport
import Foundation
import TestSupport
import Testing
import Varlink

@Suite("docs/json.md: the keys of every object of mectl are those of the page")
struct JSONDocumentTests {
    private let document: JSONDocument

    init() throws { document = try JSONDocument() }

    private static let boardCheck = Data(
        """
        {"board":"b","product":"p","firmware":"1.0","lanes":64,"simulated":true,"passed":0,"failed":1,"notOffered":0,
        "checks":[{"name":"n","verdict":"failed","found":"f"}]}
        """.utf8)

    private static func output(_ arguments: [String], _ daemon: FakeDaemon) -> String.UTF8View {
        Invocation(arguments + ["--json", "--socket", daemon.path]).output.utf8
    }

    /// Reports in which nothing is null and no list is empty, by the object that each is documented as.
    private static func reports() throws -> [(name: String, report: any Report)] {
        var status = Samples.status
        status.service.topClients = Samples.clients
        status.service.pendingChanges = ["boards"]
        status.service.kernel = KernelFeedStatus(
            intervalSeconds: 60, contributions: 1, bytes: 32, creditedBits: 256, lastFed: Samples.now, cause: "c",
            remedy: "r")
        status.boards[0].cause = "c"
        status.boards[0].remedy = "r"
        status.boards[0].lastWarning = Samples.alarm
        status.boards[0].recordedFrom = "hardware"
        status.boards[0].leases = [
            LeaseStatus(lanes: 64, processId: 9, userId: 1_000, user: "u", since: Samples.now, secondsLeft: 60)
        ]
        let change = ConfigurationChange(key: "log.level", old: "info", new: "debug", applied: true)
        return [
            ("Status", status), ("Boards", BoardList(boards: [Samples.summary])),
            ("Health", HealthReport(Samples.health)),
            (
                "Calibration",
                CalibrationReport(sweep: SampleSweeps.precession, applied: Samples.board.operatingPoint)
            ),
            ("Reload", ReloadReport(changes: [change])), ("Configuration", Samples.configuration),
            ("Version", VersionReport(mectl: "1", metrngd: "1")),
            ("BoardCheck", try JSONDecoder().decode(BoardCheckReport.self, from: boardCheck)),
        ]
    }

    @Test("Samples of which nothing is null are as documented, and have every object that is")
    func samples() throws {
        var seen: Set<String> = []
        for (name, report) in try Self.reports() {
            let flaw = document.flaw(in: try report.rendered(as: .json).utf8, as: name, seen: &seen)
            #expect(flaw == nil)
        }
        // These are printed after an operation of a daemon.
        let daemon = try FakeDaemon()
        let fault = document.flaw(in: Self.output(["inject", "none"], daemon), as: "Fault", seen: &seen)
        let point = try #require(Samples.board.operatingPoint)
        daemon.operation.play([.last(SetOperatingPoint.Reply(operatingPoint: point))])
        let set = document.flaw(
            in: Self.output(["set", "--width", "420"], daemon), as: "OperatingPointSet", seen: &seen)
        #expect(fault == nil && set == nil)
        let directory = TemporaryDirectory()
        daemon.operation.play([.last(Record.Reply(shotsDone: 1, shotsTotal: 1, bytes: 9))])
        let record = ["record", "--shots", "1", "--output", directory.file("r")]
        let recording = document.flaw(in: Self.output(record, daemon), as: "Recording", seen: &seen)
        #expect(recording == nil)
        #expect(Set(document.objects.keys) == seen)
    }

    @Test("A key too many, one that is missing and one of another type would be found")
    func flaws() {
        let document = JSONDocument([
            "## A", "| `a` | integer or null | | |", "| `b` | B[] | s | |", "### B", "| `c` | name | | |",
        ])
        func flaw(_ json: String) -> String? {
            var seen: Set<String> = []
            return document.flaw(in: json.utf8, as: "A", seen: &seen)
        }
        #expect(flaw(#"{"a":1,"b":[{"c":"d"}]}"#) == nil && flaw(#"{"a":null,"b":[]}"#) == nil)
        #expect(flaw(#"{"a":1}"#) == #"A differs in ["b"]"#)
        #expect(flaw(#"{"a":1,"b":[],"z":1}"#) == #"A differs in ["z"]"#)
        #expect(flaw(#"{"a":1.5,"b":[]}"#) == "A.a is no integer")
        #expect(flaw(#"{"a":true,"b":[]}"#) == "A.a is no integer")
        #expect(flaw(#"{"a":1,"b":[{"c":1}]}"#) == "A.b[].c is no name")
    }
}

// SPDX-License-Identifier: Apache-2.0

import BoardOperations
import BoardProtocol
import ControlInterface
import ControlTestSupport
import EntropyTerms
import LinuxPlatform
import OperatingPointControl
import TestSupport
import Testing
import Varlink

@Suite(
    "org.metrng.Control and its text: the Swift messages against the .varlink file")
struct InterfaceTests {
    private static let text = InterfaceText(controlInterfaceText)

    private static func flaw(_ value: some Encodable, _ type: String) throws -> String? {
        text.flaw(in: try JSONValue(encoding: value), as: type, at: type)
    }

    @Test("The text in the program is the interface")
    func embedded() {
        #expect(controlInterfaceText.contains("\ninterface \(controlInterfaceName)\n"))
        #expect(Self.text.types.count == 20)
    }

    @Test("The methods are those of the text")
    func methods() {
        let looking = ControlMethod.allCases.map(\.rawValue)
        let changing = [
            SetOperatingPoint.method, Calibrate.method, Record.method, InjectFault.method, LeaseLanes.method,
        ]
        #expect(Self.text.methods.keys.sorted() == (looking + changing).sorted())
    }

    @Test("Every type has the fields of the text")
    func types() throws {
        #expect(try Self.flaw(Samples.service, "Service") == nil)
        var feeding = Samples.service
        feeding.kernel = KernelFeedStatus(
            intervalSeconds: 60, contributions: 0, bytes: 0, creditedBits: 0, lastFed: nil,
            cause: "c", remedy: nil)
        #expect(try Self.flaw(feeding, "Service") == nil)
        var drawing = Samples.service
        drawing.topClients = Samples.clients
        #expect(try Self.flaw(drawing, "Service") == nil)
        #expect(try Self.flaw(Samples.board, "BoardStatus") == nil)
        #expect(try Self.flaw(Samples.summary, "BoardSummary") == nil)
        #expect(try Self.flaw(Samples.health, "BoardHealth") == nil)
        #expect(try Self.flaw(SweepRange(from: 50, to: 9_000, count: 180), "Range") == nil)
        #expect(try Self.flaw(Self.sweep, "Sweep") == nil)
        var unfit = Self.sweep
        unfit.proposal = nil
        #expect(try Self.flaw(unfit, "Sweep") == nil)
    }

    private static let sweep = SweepReport(
        name: "board0", provenance: .simulated,
        sweep: Sweep(
            points: [
                SweepPoint(
                    amplitudeMillivolts: 1_100, pulseWidthPicoseconds: 350, switching: 0.5,
                    ones: 0.5, deviation: 0.01, lagOne: 0)
            ], proposal: Samples.board.operatingPoint, reason: "here"))

    /// What the methods that only look need no parameters for.
    private static let looking: [ControlMethod] = [
        .getStatus, .listBoards, .getHealth, .getConfig, .getMetrics,
    ]

    @Test("What is not known is written as null")
    func nulls() throws {
        var board = Samples.board
        board.temperatureCelsius = nil
        board.newestBitAge = nil
        #expect(try Self.flaw(board, "BoardStatus") == nil)
        let value = try JSONValue(encoding: board)
        for name in ["cause", "remedy", "temperatureCelsius", "newestBitAge"] {
            #expect(value[name] == .null)
        }
    }

    @Test("A field that is missing, too many or of another type would be found")
    func flaws() throws {
        guard case .object(let members) = try JSONValue(encoding: Samples.summary) else { return }
        var missing = members
        missing["holder"] = nil
        #expect(try Self.flaw(missing, "BoardSummary") == #"BoardSummary differs in ["holder"]"#)
        var other = members
        other["lanes"] = .string("512")
        #expect(try Self.flaw(other, "BoardSummary") == "BoardSummary.lanes is no int")
    }

    @Test("Reports come back from their text as they were, with nulls written or left out")
    func roundTrip() throws {
        let text = try encodeJSON(Samples.status)
        #expect(try decodeJSON(StatusReport.self, from: text) == Samples.status)
        let health = try encodeJSON(Samples.health)
        #expect(try decodeJSON(BoardHealth.self, from: health) == Samples.health)
        var bare = Samples.status
        bare.boards[0].temperatureCelsius = nil
        let left = String(decoding: try encodeJSON(bare), as: UTF8.self)
            .replacing(#""temperatureCelsius":null,"#, with: "")
        #expect(!left.contains("temperatureCelsius"))
        #expect(try decodeJSON(StatusReport.self, from: left.utf8) == bare)
    }

    @Test("Every method replies as the text says")
    func replies() throws {
        let daemon = try FakeDaemon()
        let client = try VarlinkClient(path: daemon.path)
        for method in Self.looking {
            let name = method.rawValue
            let reply = try client.call(method.qualifiedName, returning: JSONValue.self)
            let fields = try #require(Self.text.methods[name]).reply
            #expect(Self.text.flaw(in: reply, having: fields, at: name) == nil)
        }
        let watch = try #require(Self.text.methods["Watch"])
        try client.stream("org.metrng.Control.Watch", returning: JSONValue.self) { reply in
            #expect(Self.text.flaw(in: reply, having: watch.reply, at: "Watch") == nil)
            return .stop
        }
    }

    @Test("A change is replied to as the text says, with and without an outcome yet")
    func changes() throws {
        let file = try PassedFile()
        let recorded = Record.Reply(shotsDone: 1, shotsTotal: 1, bytes: 9)
        let point = try #require(Samples.board.operatingPoint)
        let changes: [(any BoardOperation.Type, JSONValue, [VarlinkReplyStep])] = [
            (
                SetOperatingPoint.self, ["amplitudeMillivolts": .integer(900)],
                [.last(SetOperatingPoint.Reply(operatingPoint: point))]
            ),
            (
                Calibrate.self, ["shotsPerPoint": .integer(1_024)],
                [
                    .item(Calibrate.firstReply),
                    .last(Calibrate.Reply(pointsDone: 1, pointsTotal: 1, sweep: Self.sweep)),
                ]
            ),
            (
                Record.self, ["shots": .integer(1)],
                [.item(Record.firstReply), .last(recorded)]
            ),
            (InjectFault.self, ["fault": .string("none")], [.last(EmptyReply())]),
        ]
        for (type, parameters, steps) in changes {
            let daemon = try FakeDaemon()
            daemon.operation.play(steps)
            let fields = try #require(Self.text.methods[type.method]).reply
            try VarlinkClient(path: daemon.path).stream(
                type.qualifiedName, parameters, returning: JSONValue.self,
                descriptor: file.descriptor
            ) { reply in
                #expect(Self.text.flaw(in: reply, having: fields, at: type.method) == nil)
                return .proceed
            }
        }
    }

    @Test("A reload is replied to as the text says, when it is done")
    func reload() throws {
        let daemon = try FakeDaemon()
        let report = ReloadReport(changes: [
            ConfigurationChange(key: "log.level", old: "info", new: "debug", applied: true)
        ])
        daemon.operation.reloads([nil, nil, report])
        let reply = try VarlinkClient(path: daemon.path).call(
            ControlMethod.reload.qualifiedName, returning: JSONValue.self)
        let fields = try #require(Self.text.methods["Reload"]).reply
        #expect(Self.text.flaw(in: reply, having: fields, at: "Reload") == nil)
        #expect(try reply.decode(ReloadReport.self) == report)
    }

    @Test("Every method takes the parameters of the text and no others")
    func parameters() throws {
        let daemon = try FakeDaemon()
        let client = try VarlinkClient(path: daemon.path)
        for (name, method) in Self.text.methods {
            let nulls = Dictionary(
                uniqueKeysWithValues: method.parameters.keys.map { ($0, JSONValue.null) })
            let call = "org.metrng.Control.\(name)"
            if Self.looking.map(\.rawValue).contains(name) {
                _ = try client.call(call, nulls, returning: JSONValue.self)
            }
            let other = nulls.merging(["zzz": .null]) { $1 }
            #expect(throws: VarlinkClientError.remote(.invalidParameter("zzz"))) {
                try client.call(call, other, returning: JSONValue.self)
            }
        }
    }

    @Test("The reply to Lease and its errors have the fields of the text")
    func lease() throws {
        let point = try #require(Samples.board.operatingPoint)
        let tuning = Tuning(
            amplitudeMillivolts: 0...2_700, pulseWidthPicoseconds: 50...9_000, biasFieldMicrotesla: -50_000...50_000,
            trim: -100...100, trimLatencyShots: 0)
        let (ours, _) = try connectedSockets()
        let reply = LeaseLanes.Reply(
            board: "board0", provenance: "simulated", healthEpoch: 3, lanes: [1, 5], streamContinues: true,
            operatingPoint: point, tuning: tuning, shotsPerSecond: 1e6, seconds: 60, socket: ours)
        let fields = try #require(Self.text.methods["Lease"]).reply
        #expect(Self.text.flaw(in: try JSONValue(encoding: reply), having: fields, at: "Lease") == nil)
        let errors: [ControlError] = [
            .notLeasable(board: "b", cause: "c"), .notEnoughLanes(board: "b", wanted: 3, available: 2),
            .lanesTaken(board: "b", lanes: [1]),
        ]
        for error in errors {
            let name = String(error.varlink.name.split(separator: ".").last ?? "")
            let fields = try #require(Self.text.errors[name])
            #expect(Self.text.flaw(in: error.varlink.parameters, having: fields, at: name) == nil)
            #expect(ControlError(error.varlink) == error)
        }
        let lease = LeaseStatus(lanes: 3, processId: 1, userId: 2, since: 3, secondsLeft: 4)
        #expect(try Self.flaw(lease, "LeaseStatus") == nil)
    }

    @Test("NoSuchBoard carries what the text says")
    func noSuchBoard() throws {
        let daemon = try FakeDaemon()
        let client = try VarlinkClient(path: daemon.path)
        do {
            _ = try client.call(
                "org.metrng.Control.GetHealth", ["board": "x"], returning: JSONValue.self)
            Issue.record("there is no such board")
        } catch .remote(let error) {
            #expect(error.name == "org.metrng.Control.NoSuchBoard")
            let fields = try #require(Self.text.errors["NoSuchBoard"])
            #expect(Self.text.flaw(in: error.parameters, having: fields, at: "NoSuchBoard") == nil)
        }
    }
}

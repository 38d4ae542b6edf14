// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import ControlTestSupport
import Synchronization
import TestSupport
import Testing
import Varlink

@Suite(
    "The control service and its client: methods and their errors",
    .timeLimit(.minutes(5)))
struct ServiceTests {
    private static func board(_ name: String, serial: String) -> BoardStatus {
        var board = Samples.board
        board.name = name
        board.serial = serial
        return board
    }

    private static let two = [board("left", serial: "L1"), board("right", serial: "R1")]

    @Test("Gives the state of every board, or of one by name or serial")
    func status() throws {
        let daemon = try FakeDaemon(boards: Self.two)
        let client = try ControlClient(path: daemon.path)
        #expect(try client.status() == StatusReport(service: Samples.service, boards: Self.two))
        #expect(try client.status(of: "right").boards == [Self.two[1]])
        #expect(try client.status(of: "L1").boards == [Self.two[0]])
    }

    @Test("Looks boards up without a status of any, and gives that of the one that was asked for")
    func lookUp() throws {
        let daemon = try FakeDaemon(boards: Self.two)
        let client = try ControlClient(path: daemon.path)
        _ = try client.health(of: "R1")
        try client.inject(
            FaultRequest(fault: FaultRequest.none, lanes: [], afterShots: 0, forShots: nil),
            board: "L1")
        #expect(daemon.provider.statusCount.load(ordering: .relaxed) == 0)
        #expect(daemon.operation.begun.map(\.board) == ["left"])
        #expect(try client.status(of: "R1").boards == [Self.two[1]])
        #expect(daemon.provider.statusCount.load(ordering: .relaxed) == 1)
    }

    @Test("Lists the boards and gives the configuration")
    func lists() throws {
        let daemon = try FakeDaemon(boards: Self.two)
        let client = try ControlClient(path: daemon.path)
        #expect(try client.boards() == Self.two.map(Samples.summary))
        #expect(try client.configuration() == Samples.configuration)
    }

    @Test("Gives the health of the only board unasked, and of one by name or serial")
    func health() throws {
        let daemon = try FakeDaemon(boards: [Self.two[0]])
        let client = try ControlClient(path: daemon.path)
        #expect(try client.health().name == "left")
        #expect(try client.health().lanes == Samples.health.lanes)
        daemon.provider.setBoards(Self.two)
        #expect(try client.health(of: "right").name == "right")
        #expect(try client.health(of: "L1").name == "left")
    }

    @Test(
        "Says which boards there are when it cannot tell which one is meant",
        arguments: [
            ([], nil), ([], "left"), (two, nil), (two, "middle"), (two, ""),
        ] as [([BoardStatus], String?)])
    func noSuchBoard(boards: [BoardStatus], asked: String?) throws {
        let daemon = try FakeDaemon(boards: boards)
        let client = try ControlClient(path: daemon.path)
        let expected = ControlClientError.control(
            .noSuchBoard(asked: asked ?? "", boards: boards.map(\.name)))
        #expect(throws: expected) { try client.health(of: asked) }
        guard let asked else { return }
        #expect(throws: expected) { try client.status(of: asked) }
        #expect(throws: expected) {
            try client.watch(asked) { _ in .proceed }
        }
    }

    @Test("A board that was not opened yet has no health, and is not said to be absent")
    func unopened() throws {
        var board = Self.board("left", serial: "")
        board.lanes = 0
        let daemon = try FakeDaemon(boards: [board])
        let client = try ControlClient(path: daemon.path)
        let expected = ControlClientError.control(
            .boardFailed(board: "left", cause: "it has not been opened yet"))
        #expect(throws: expected) { try client.health(of: "left") }
        #expect(throws: expected) { try client.health() }
    }

    @Test("A serial number that several boards have is told to be ambiguous, with their names")
    func ambiguous() throws {
        let daemon = try FakeDaemon(
            boards: [
                Self.board("left", serial: "S"), Self.board("right", serial: "S"),
                Self.board("third", serial: "T"),
            ])
        let client = try ControlClient(path: daemon.path)
        let expected = ControlClientError.control(
            .ambiguousBoard(asked: "S", boards: ["left", "right"]))
        #expect(throws: expected) { try client.health(of: "S") }
        #expect(throws: expected) { try client.status(of: "S") }
        #expect(throws: expected) { try client.watch("S") { _ in .proceed } }
        #expect(try client.health(of: "T").name == "third")
    }

    @Test("A name goes before a serial number, and boards without one have none")
    func nameFirst() throws {
        let boards = [
            Self.board("left", serial: "right"), Self.board("right", serial: ""),
            Self.board("third", serial: ""),
        ]
        let daemon = try FakeDaemon(boards: boards)
        let client = try ControlClient(path: daemon.path)
        #expect(try client.status(of: "right").boards == [boards[1]])
        let expected = ControlClientError.control(
            .noSuchBoard(asked: "", boards: ["left", "right", "third"]))
        #expect(throws: expected) { try client.status(of: "") }
    }

    @Test("Watches until told to stop")
    func watch() throws {
        let daemon = try FakeDaemon(boards: Self.two)
        let client = try ControlClient(path: daemon.path)
        var reports: [StatusReport] = []
        try client.watch("right", intervalSeconds: 0.1) { report in
            reports.append(report)
            var changed = Self.two
            changed[1].state = .idle
            daemon.provider.setBoards(changed)
            return report.boards.first?.state == .idle ? .stop : .proceed
        }
        #expect(reports.first?.boards == [Self.two[1]])
        #expect(reports.last?.boards.map(\.state) == [.idle])
    }

    @Test("A watch ends with an error when its board has gone")
    func watchedBoardGoes() throws {
        let daemon = try FakeDaemon(boards: Self.two)
        let client = try ControlClient(path: daemon.path)
        #expect(throws: ControlClientError.control(.noSuchBoard(asked: "right", boards: []))) {
            try client.watch("right", intervalSeconds: 0.1) { _ in
                daemon.provider.setBoards([])
                return .proceed
            }
        }
    }

    @Test("A watch has to be called with more")
    func watchWithoutMore() throws {
        let daemon = try FakeDaemon()
        let client = try VarlinkClient(path: daemon.path)
        #expect(throws: VarlinkClientError.remote(.expectedMore)) {
            try client.call("org.metrng.Control.Watch", returning: JSONValue.self)
        }
    }

    @Test(
        "An interval out of bounds is refused",
        arguments: [0.0, -1, 0.099, 3_600.1, 1e300])
    func intervals(seconds: Double) throws {
        let daemon = try FakeDaemon()
        let client = try VarlinkClient(path: daemon.path)
        #expect(throws: VarlinkClientError.remote(.invalidParameter("intervalSeconds"))) {
            try client.stream(
                "org.metrng.Control.Watch", ["intervalSeconds": seconds], returning: JSONValue.self
            ) { _ in .stop }
        }
    }
}

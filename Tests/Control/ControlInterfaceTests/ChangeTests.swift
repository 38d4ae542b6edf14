// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import ControlTestSupport
import LinuxPlatform
import TestSupport
import Testing
import Varlink

@Suite(
    "The methods that change something: numbers out of bounds, permission, descriptors, more and its lack, clients that go, every error against the text",
    .timeLimit(.minutes(5)))
struct ChangeTests {
    /// Those that are about a board.
    private static let methods: [ControlMethod] = [
        .setOperatingPoint, .calibrate, .record, .injectFault,
    ]

    /// Parameters that a method takes.
    private static func parameters(of method: ControlMethod) -> JSONValue {
        switch method {
        case .setOperatingPoint: ["pulseWidthPicoseconds": .integer(420)]
        case .calibrate: ["shotsPerPoint": .integer(1_024)]
        case .record: ["shots": .integer(1_000)]
        case .injectFault: ["fault": .string("stall")]
        case .getStatus, .listBoards, .getHealth, .watch, .getConfig, .getMetrics, .reload: [:]
        }
    }

    private let daemon: FakeDaemon
    private let file: PassedFile

    init() throws {
        daemon = try FakeDaemon()
        file = try PassedFile()
    }

    /// The error of a call; nil when it has a reply.
    private func refusal(
        _ method: ControlMethod, _ parameters: JSONValue? = nil, passes: Bool = true
    ) throws -> VarlinkError? {
        let client = try VarlinkClient(path: daemon.path)
        let outcome = Result { () throws(VarlinkClientError) in
            try client.call(
                method.qualifiedName, parameters ?? Self.parameters(of: method),
                returning: JSONValue.self, descriptor: passes ? file.descriptor : nil)
        }
        if case .failure(.remote(let error)) = outcome { return error }
        _ = try outcome.get()
        return nil
    }

    @Test(
        "Numbers out of bounds are refused by name before anything is begun",
        arguments: [
            (.calibrate, #"{"shotsPerPoint":1023}"#, "shotsPerPoint"),
            (.calibrate, #"{"shotsPerPoint":10000001}"#, "shotsPerPoint"),
            (.calibrate, #"{"shotsPerPoint":-9223372036854775808}"#, "shotsPerPoint"),
            (.calibrate, #"{"shotsPerPoint":1024.5}"#, "parameters"),
            (.calibrate, #"{}"#, "shotsPerPoint"),
            (
                .calibrate, #"{"shotsPerPoint":1024,"widths":{"from":1,"to":2,"count":0}}"#,
                "widths"
            ),
            (
                .calibrate, #"{"shotsPerPoint":1024,"widths":{"from":1,"to":2,"count":-1}}"#,
                "widths"
            ),
            (
                .calibrate, #"{"shotsPerPoint":1024,"widths":{"from":1,"to":2,"count":1}}"#,
                "widths"
            ),
            (
                .calibrate, #"{"shotsPerPoint":1024,"widths":{"from":1,"to":2,"count":4097}}"#,
                "widths"
            ),
            (
                .calibrate,
                #"{"shotsPerPoint":1024,"amplitudes":{"from":1,"to":2,"count":9223372036854775807}}"#,
                "amplitudes"
            ),
            (
                .calibrate,
                #"{"shotsPerPoint":1024,"amplitudes":{"from":1,"to":2,"count":64},"#
                    + #""widths":{"from":1,"to":2,"count":65}}"#, "widths"
            ),
            (.calibrate, #"{"shotsPerPoint":1024,"widths":{"from":1,"to":2}}"#, "widths.count"),
            (.record, #"{"shots":0}"#, "shots"), (.record, #"{"shots":-1}"#, "shots"),
            (.record, #"{"shots":1000000000001}"#, "shots"),
            (.record, #"{"shots":1,"restarts":0}"#, "restarts"),
            (.record, #"{"shots":1,"restarts":10001}"#, "restarts"),
            (.record, #"{"restarts":1}"#, "shots"),
            (.setOperatingPoint, #"{}"#, "amplitudeMillivolts"),
            (.setOperatingPoint, #"{"board":"board0"}"#, "amplitudeMillivolts"),
            (
                .setOperatingPoint, #"{"pulseWidthPicoseconds":"wide"}"#, "pulseWidthPicoseconds"
            ),
            (.injectFault, #"{}"#, "fault"),
            (.injectFault, #"{"fault":"stuckAt0","lanes":[3,-1]}"#, "lanes"),
            (.injectFault, #"{"fault":"stall","afterShots":-1}"#, "afterShots"),
            (.injectFault, #"{"fault":"stall","forShots":0}"#, "forShots"),
        ] as [(ControlMethod, String, String)])
    func bounds(method: ControlMethod, parameters: String, name: String) throws {
        let value = try decodeJSON(JSONValue.self, from: parameters.utf8)
        #expect(try refusal(method, value) == .invalidParameter(name))
        #expect(daemon.operation.begun.isEmpty)
    }

    @Test(
        "Numbers that JSON has no text for end the connection or are refused",
        arguments: [
            #"{"from":1e999,"to":2,"count":2}"#, #"{"from":NaN,"to":2,"count":2}"#,
            #"{"from":1,"to":Infinity,"count":2}"#, #"{"from":1,"to":-1e999,"count":2}"#,
        ])
    func notANumber(range: String) throws {
        let peer = try RawPeer(path: daemon.path)
        peer.send(
            #"{"method":"org.metrng.Control.Calibrate","#
                + #""parameters":{"shotsPerPoint":1024,"widths":\#(range)}}"#)
        let reply = peer.receive()
        #expect(reply?.contains("InvalidParameter") ?? true)
        #expect(daemon.operation.begun.isEmpty)
    }

    @Test(
        "A range is checked for what JSON cannot carry, too",
        arguments: [
            (SweepRange(from: .nan, to: 1, count: 2), false),
            (SweepRange(from: 0, to: .infinity, count: 2), false),
            (SweepRange(from: -1e308, to: 1e308, count: 3), false),
            (SweepRange(from: 0, to: 1, count: 4_096), true),
            (SweepRange(from: 0, to: 1, count: 4_097), false),
            (SweepRange(from: 1, to: 1, count: 1), true),
            (SweepRange(from: 1, to: 0, count: 2), true),
        ])
    func ranges(range: SweepRange, isValid: Bool) {
        #expect(range.isValid == isValid)
    }

    @Test("The values of a range go from end to end at equal distances")
    func values() {
        #expect(SweepRange(from: 50, to: 250, count: 5).values == [50, 100, 150, 200, 250])
        #expect(SweepRange(from: 7, to: 7, count: 1).values == [7])
    }

    @Test(
        "Who may not change anything is told so, whatever is asked",
        arguments: methods + [.reload])
    func notPermitted(method: ControlMethod) throws {
        daemon.operation.permit(false)
        #expect(try refusal(method) == .control(.notPermitted))
        #expect(try refusal(method, ["zzz": .integer(1)]) == .control(.notPermitted))
        #expect(daemon.operation.begun.isEmpty)
    }

    @Test("A recording without a file is refused")
    func noDescriptor() throws {
        #expect(try refusal(.record, passes: false) == .control(.noDescriptor))
        #expect(daemon.operation.begun.isEmpty)
    }

    @Test("A file that no method wants, or that was wanted, is held by nobody in the end")
    func descriptors() throws {
        daemon.operation.permit(false)
        for method in Self.methods + [.reload] { _ = try refusal(method) }
        #expect(eventually { file.openCount == 1 })
    }

    @Test("A board that is busy, and one that is not there, are said", arguments: methods)
    func boards(method: ControlMethod) throws {
        daemon.operation.play([])
        daemon.operation.fail(.busy(board: "board0"))
        #expect(try refusal(method) == .control(.busy(board: "board0")))
        daemon.provider.setBoards([])
        #expect(try refusal(method) == .control(.noSuchBoard(asked: "", boards: [])))
    }

    @Test("Without more, only the outcome is told", arguments: methods)
    func withoutMore(method: ControlMethod) throws {
        daemon.operation.play([.running(done: 0, total: 2), .running(done: 1, total: 2)])
        daemon.operation.fail(.boardFailed(board: "board0", cause: "gone"))
        let peer = try RawPeer(path: daemon.path)
        let call = try encodeJSON(
            JSONValue.object([
                "method": .string(method.qualifiedName), "parameters": Self.parameters(of: method),
            ]))
        peer.send(Array(call) + [0], with: file.descriptor)
        let reply = try #require(peer.receive())
        #expect(reply.contains("BoardFailed") && !reply.contains("continues"))
    }

    @Test("With more, progress is told until the outcome, and the connection goes on")
    func withMore() throws {
        daemon.operation.play([
            .running(done: 0, total: 7), .running(done: 3, total: 7),
            .finished(.recorded(RecordingProgress(shotsDone: 7, shotsTotal: 7, bytes: 99))),
        ])
        let client = try ControlClient(path: daemon.path)
        var told: [Int] = []
        let recorded = try client.record(shots: 7, restarts: 1, to: file.descriptor) { progress in
            told.append(progress.shotsDone)
            return .proceed
        }
        #expect(told == [0, 3, 7])
        #expect(recorded == RecordingProgress(shotsDone: 7, shotsTotal: 7, bytes: 99))
        #expect(try client.boards().count == 1)
        #expect(eventually { daemon.operation.abandoned == 1 })
    }

    @Test("What a client gave up is given up", arguments: [true, false])
    func givenUp(reads: Bool) throws {
        daemon.operation.play([.running(done: 0, total: 1)])
        if reads {
            let client = try ControlClient(path: daemon.path)
            let sweep = try client.calibrate(
                SweepRequest(amplitudes: nil, widths: nil, shotsPerPoint: 1_024)
            ) { _ in .stop }
            #expect(sweep == nil)
        } else {
            let peer = try RawPeer(path: daemon.path)
            peer.send(
                #"{"method":"org.metrng.Control.Calibrate","parameters":{"shotsPerPoint":1024}}"#)
            #expect(eventually { daemon.operation.begun.count == 1 })
        }
        #expect(eventually { daemon.operation.abandoned == 1 })
    }

    @Test("What is wanted without a reply is begun, and nobody waits for it")
    func oneway() throws {
        let client = try VarlinkClient(path: daemon.path)
        try client.send(ControlMethod.injectFault.qualifiedName, ["fault": "stall"])
        #expect(eventually { daemon.operation.abandoned == 1 })
    }

    @Test("The fault none asks for an end of faults, whatever else is said")
    func none() throws {
        #expect(try refusal(.injectFault, ["fault": .string("none")]) == nil)
        guard case .clearFaults? = daemon.operation.begun.first?.operation else {
            Issue.record("faults are not cleared")
            return
        }
    }

    @Test(
        "Every error comes back from its text as it was",
        arguments: [
            .noSuchBoard(asked: "a", boards: ["b"]),
            .ambiguousBoard(asked: "a", boards: ["b", "c"]), .notPermitted,
            .notSimulated(board: "b"),
            .notTunable(board: "b"),
            .outOfRange(quantity: "q", value: 1.5, minimum: -2, maximum: 1), .busy(board: "b"),
            .boardFailed(board: "b", cause: "c"), .badFault(reason: "r"), .noDescriptor,
            .recordingFailed(cause: "c"),
        ] as [ControlError])
    func errors(error: ControlError) throws {
        #expect(ControlError(error.varlink) == error)
        let text = InterfaceText(controlInterfaceText)
        let name = try #require(error.varlink.name.split(separator: ".").last.map(String.init))
        let fields = try #require(text.errors[name])
        #expect(text.flaw(in: error.varlink.parameters, having: fields, at: name) == nil)
    }
}

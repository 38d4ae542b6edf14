// SPDX-License-Identifier: Apache-2.0

import BoardOperations
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
    /// An operation by its type, with parameters that it takes.
    struct Method: Sendable, CustomTestStringConvertible {
        let type: any BoardOperation.Type
        var parameters: JSONValue = [:]

        var testDescription: String { type.method }
    }

    private static let methods = [
        Method(type: SetOperatingPoint.self, parameters: ["pulseWidthPicoseconds": .integer(420)]),
        Method(type: Calibrate.self, parameters: ["shotsPerPoint": .integer(1_024)]),
        Method(type: Record.self, parameters: ["shots": .integer(1_000)]),
        Method(type: InjectFault.self, parameters: ["fault": .string("stall")]),
    ]

    private let daemon: FakeDaemon
    private let file: PassedFile

    init() throws {
        daemon = try FakeDaemon()
        file = try PassedFile()
    }

    /// The error of a call; nil when it has a reply.
    private func refusal(
        _ method: String, _ parameters: JSONValue, passes: Bool = true
    ) throws -> VarlinkError? {
        let client = try VarlinkClient(path: daemon.path)
        let outcome = Result { () throws(VarlinkClientError) in
            try client.call(
                method, parameters, returning: JSONValue.self,
                descriptor: passes ? file.descriptor : nil)
        }
        if case .failure(.remote(let error)) = outcome { return error }
        _ = try outcome.get()
        return nil
    }

    private func refusal(_ method: Method, passes: Bool = true) throws -> VarlinkError? {
        try refusal(method.type.qualifiedName, method.parameters, passes: passes)
    }

    @Test(
        "Numbers out of bounds are refused by name before anything is begun",
        arguments: [
            (Calibrate.self, #"{"shotsPerPoint":1023}"#, "shotsPerPoint"),
            (Calibrate.self, #"{"shotsPerPoint":10000001}"#, "shotsPerPoint"),
            (Calibrate.self, #"{"shotsPerPoint":-9223372036854775808}"#, "shotsPerPoint"),
            (Calibrate.self, #"{"shotsPerPoint":1024.5}"#, "parameters"),
            (Calibrate.self, #"{}"#, "shotsPerPoint"),
            (
                Calibrate.self, #"{"shotsPerPoint":1024,"widths":{"from":1,"to":2,"count":0}}"#,
                "widths"
            ),
            (
                Calibrate.self, #"{"shotsPerPoint":1024,"widths":{"from":1,"to":2,"count":-1}}"#,
                "widths"
            ),
            (
                Calibrate.self, #"{"shotsPerPoint":1024,"widths":{"from":1,"to":2,"count":1}}"#,
                "widths"
            ),
            (
                Calibrate.self, #"{"shotsPerPoint":1024,"widths":{"from":1,"to":2,"count":4097}}"#,
                "widths"
            ),
            (
                Calibrate.self,
                #"{"shotsPerPoint":1024,"amplitudes":{"from":1,"to":2,"count":9223372036854775807}}"#,
                "amplitudes"
            ),
            (
                Calibrate.self,
                #"{"shotsPerPoint":1024,"amplitudes":{"from":1,"to":2,"count":64},"#
                    + #""widths":{"from":1,"to":2,"count":65}}"#, "widths"
            ),
            (Calibrate.self, #"{"shotsPerPoint":1024,"widths":{"from":1,"to":2}}"#, "widths.count"),
            (Record.self, #"{"shots":0}"#, "shots"), (Record.self, #"{"shots":-1}"#, "shots"),
            (Record.self, #"{"shots":1000000000001}"#, "shots"),
            (Record.self, #"{"shots":1,"restarts":0}"#, "restarts"),
            (Record.self, #"{"shots":1,"restarts":10001}"#, "restarts"),
            (Record.self, #"{"restarts":1}"#, "shots"),
            (SetOperatingPoint.self, #"{}"#, "amplitudeMillivolts"),
            (SetOperatingPoint.self, #"{"board":"board0"}"#, "amplitudeMillivolts"),
            (
                SetOperatingPoint.self, #"{"pulseWidthPicoseconds":"wide"}"#,
                "pulseWidthPicoseconds"
            ),
            (InjectFault.self, #"{}"#, "fault"),
            (InjectFault.self, #"{"fault":"stuckAt0","lanes":[3,-1]}"#, "lanes"),
            (InjectFault.self, #"{"fault":"stall","afterShots":-1}"#, "afterShots"),
            (InjectFault.self, #"{"fault":"stall","forShots":0}"#, "forShots"),
        ] as [(any BoardOperation.Type, String, String)])
    func bounds(type: any BoardOperation.Type, parameters: String, name: String) throws {
        let value = try decodeJSON(JSONValue.self, from: parameters.utf8)
        #expect(try refusal(type.qualifiedName, value) == .invalidParameter(name))
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

    /// The methods that change something, with their interface in front.
    private static let changes =
        methods.map { $0.type.qualifiedName } + [ControlMethod.reload.qualifiedName]

    @Test("A client that may not change anything is told so, whatever it asks", arguments: changes)
    func notPermitted(method: String) throws {
        daemon.operation.permit(false)
        #expect(try refusal(method, [:]) == .control(.notPermitted))
        #expect(try refusal(method, ["zzz": .integer(1)]) == .control(.notPermitted))
        #expect(daemon.operation.begun.isEmpty)
    }

    @Test("A recording without a file is refused")
    func noDescriptor() throws {
        #expect(
            try refusal(Record.qualifiedName, ["shots": .integer(1)], passes: false)
                == .control(.noDescriptor))
        #expect(daemon.operation.begun.isEmpty)
    }

    @Test("A file that no method wants, or that was wanted, is held by nobody in the end")
    func descriptors() throws {
        daemon.operation.permit(false)
        for method in Self.changes { _ = try refusal(method, [:]) }
        #expect(eventually { file.openCount == 1 })
    }

    @Test("A board that is busy, and one that is not there, are said", arguments: methods)
    func boards(method: Method) throws {
        daemon.operation.play([])
        daemon.operation.fail(.busy(board: "board0"))
        #expect(try refusal(method) == .control(.busy(board: "board0")))
        daemon.provider.setBoards([])
        #expect(try refusal(method) == .control(.noSuchBoard(asked: "", boards: [])))
    }

    @Test("Without more, only the outcome is told", arguments: methods)
    func withoutMore(method: Method) throws {
        daemon.operation.play([.item(EmptyReply()), .item(EmptyReply())])
        daemon.operation.fail(.boardFailed(board: "board0", cause: "gone"))
        let peer = try RawPeer(path: daemon.path)
        let call = try encodeJSON(
            JSONValue.object([
                "method": .string(method.type.qualifiedName), "parameters": method.parameters,
            ]))
        peer.send(Array(call) + [0], with: file.descriptor)
        let reply = try #require(peer.receive())
        #expect(reply.contains("BoardFailed") && !reply.contains("continues"))
    }

    @Test("With more, progress is told until the outcome, and the connection goes on")
    func withMore() throws {
        let last = Record.Reply(shotsDone: 7, shotsTotal: 7, bytes: 99)
        daemon.operation.play([
            .item(Record.Reply(shotsDone: 0, shotsTotal: 7, bytes: 0)),
            .item(Record.Reply(shotsDone: 3, shotsTotal: 7, bytes: 0)), .last(last),
        ])
        let client = try ControlClient(path: daemon.path)
        var told: [Int] = []
        let recorded = try client.perform(Record(shots: 7, file: file.descriptor)) { progress in
            told.append(progress.shotsDone)
            return .proceed
        }
        #expect(told == [0, 3, 7])
        #expect(recorded == last)
        #expect(try client.boards().count == 1)
        #expect(eventually { daemon.operation.abandoned == 1 })
    }

    @Test("What a client gave up is given up", arguments: [true, false])
    func givenUp(reads: Bool) throws {
        daemon.operation.play([.item(Calibrate.Reply(pointsDone: 0, pointsTotal: 1, sweep: nil))])
        if reads {
            let client = try ControlClient(path: daemon.path)
            let reply = try client.perform(
                Calibrate(amplitudes: nil, widths: nil, shotsPerPoint: 1_024)
            ) { _ in .stop }
            #expect(reply == nil)
        } else {
            let peer = try RawPeer(path: daemon.path)
            peer.send(
                #"{"method":"org.metrng.Control.Calibrate","parameters":{"shotsPerPoint":1024}}"#)
            #expect(eventually { daemon.operation.begun.count == 1 })
        }
        #expect(eventually { daemon.operation.abandoned == 1 })
    }

    @Test("A change that is called with oneway is not begun, and gets no reply", arguments: methods)
    func oneway(method: Method) throws {
        let peer = try RawPeer(path: daemon.path)
        let call = try encodeJSON(
            JSONValue.object([
                "method": .string(method.type.qualifiedName), "parameters": method.parameters,
                "oneway": .bool(true),
            ]))
        peer.send(Array(call) + [0], with: file.descriptor)
        peer.send(#"{"method":"org.metrng.Control.GetConfig"}"#)
        #expect(peer.receive()?.contains("yaml") == true)
        #expect(daemon.operation.begun.isEmpty)
        #expect(eventually { file.openCount == 1 })
    }

    @Test("A reload that is called with oneway is not begun")
    func onewayReload() throws {
        let peer = try RawPeer(path: daemon.path)
        peer.send(
            #"{"method":"org.metrng.Control.Reload","oneway":true}"#,
            #"{"method":"org.metrng.Control.GetConfig"}"#)
        #expect(peer.receive()?.contains("yaml") == true)
        #expect(daemon.operation.reloadCount == 0)
    }

    @Test("The fault none asks for an end of faults, whatever else is said")
    func none() throws {
        let operation = InjectFault(fault: InjectFault.none, lanes: [-1], forShots: 0)
        #expect(
            try refusal(
                InjectFault.qualifiedName,
                [
                    "fault": .string("none"), "lanes": .array([.integer(-1)]),
                    "forShots": .integer(0),
                ]) == nil)
        let begun = try #require(daemon.operation.begun.first?.operation as? InjectFault)
        #expect(begun == operation)
        #expect(try begun.order() == nil)
    }

    @Test("A fault that there is not is refused with those that there are")
    func unknownFault() throws {
        guard
            case .badFault(let reason)? = try refusal(
                InjectFault.qualifiedName, ["fault": .string("fire")]
            )
            .flatMap(ControlError.init)
        else {
            Issue.record("the fault is not refused")
            return
        }
        #expect(reason.hasPrefix("there is no fault fire: stuckAt0"))
        #expect(daemon.operation.begun.isEmpty)
    }

    @Test(
        "Every error comes back from its text as it was",
        arguments: [
            .noSuchBoard(asked: "a", boards: ["b"]),
            .ambiguousBoard(asked: "a", boards: ["b", "c"]), .notPermitted,
            .notSimulated(board: "b"),
            .notTunable(board: "b"), .noSuchPreset(board: "b", preset: "p", presets: ["q"]),
            .outOfRange(quantity: "q", value: 1.5, minimum: -2, maximum: 1), .busy(board: "b"),
            .boardFailed(board: "b", cause: "c"), .badFault(reason: "r"), .noDescriptor,
            .recordingFailed(cause: "c"), .tooManyWatches(limit: 24),
        ] as [ControlError])
    func errors(error: ControlError) throws {
        #expect(ControlError(error.varlink) == error)
        let text = InterfaceText(controlInterfaceText)
        let name = try #require(error.varlink.name.split(separator: ".").last.map(String.init))
        let fields = try #require(text.errors[name])
        #expect(text.flaw(in: error.varlink.parameters, having: fields, at: name) == nil)
    }
}

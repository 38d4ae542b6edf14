// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import DaemonConfiguration
import Testing

@Suite(
    "Settings of a board on the USB: every key, what is refused, entries that name the same board")
struct USBTests {
    private static func usb(_ text: String) throws -> USBSettings {
        let settings = try settings("boards: [{kind: usb, usb: {\(text)}}]")
        return try #require(settings.boards.first).usb
    }

    @Test("With no settings any board is meant that has the test number and is not simulated")
    func nothing() throws {
        let board = try #require(try settings("boards: [{kind: usb}]").boards.first)
        #expect(board.kind == .usb)
        #expect(board.usb.serial.isEmpty && board.usb.place.isEmpty && !board.usb.simulated)
        #expect(board.usb.identifiers == [USBIdentifier(vendor: 0x1209, product: 1)])
    }

    @Test(
        "Every key is read, and what is read is rendered so that it is read again",
        arguments: [
            "serial: ME-0042, simulated: true", "serial: '0042'", "place: '1-2.3'", "place: '12-1'",
            "identifiers: 16C0:05dc", "identifiers: '1209:0001, 16c0:05dc'", "serial: a:b",
        ])
    func everyKey(text: String) throws {
        let read = try settings("boards: [{kind: usb, usb: {\(text)}}]")
        #expect(read.boards.first?.usb != BoardSettings().usb)
        #expect(try settings(read.yaml) == read)
    }

    @Test("Numbers are read as hexadecimal")
    func identifiers() throws {
        #expect(
            try Self.usb("identifiers: '1209:0001,  16C0:05dc'").identifiers == [
                USBIdentifier(vendor: 0x1209, product: 1),
                USBIdentifier(vendor: 0x16C0, product: 0x05DC),
            ])
    }

    private static let identifiersExpected =
        "1 to 16 of vendor:product in hexadecimal, as in '1209:0001, 16c0:05dc'"
    private static let placeExpected = "bus and ports as in '1-2.3', or ''"
    private static let serialExpected =
        "at most 126 ASCII characters, in quotes if it looks like a number"

    @Test(
        "What cannot be is refused with what can",
        arguments: [
            ("identifiers: ''", identifiersExpected), ("identifiers: '1209'", identifiersExpected),
            ("identifiers: '1209:1'", identifiersExpected),
            ("identifiers: '1209:0001,'", identifiersExpected),
            ("identifiers: '12090:0001'", identifiersExpected),
            ("identifiers: '+209:0001'", identifiersExpected),
            ("identifiers: 'g209:0001'", identifiersExpected),
            (
                "identifiers: '\(String(repeating: "1209:0001,", count: 16))1209:0001'",
                identifiersExpected
            ),
            ("place: '1'", placeExpected), ("place: '1-'", placeExpected),
            ("place: '1-2.'", placeExpected), ("place: '1-2.3.4.5.6.7.8'", placeExpected),
            ("place: '-2'", placeExpected), ("place: 'usb1-1'", placeExpected),
            ("place: 12", placeExpected), ("place: '1-0001'", placeExpected),
            ("serial: 42", serialExpected), ("serial: 'é'", serialExpected),
            ("serial: '\(String(repeating: "x", count: 127))'", serialExpected),
            ("simulated: maybe", "true or false"),
        ])
    func refused(text: String, expected: String) {
        let found = problems("boards: [{kind: usb, usb: {\(text)}}]")
        #expect(found.count == 1)
        #expect(found.first?.hasSuffix(", expected \(expected)") == true, "\(found)")
    }

    @Test(
        "What does not fit together is refused",
        arguments: [
            ("kind: usb, usb: {serial: a, place: '1-1'}", "one of the two"),
            ("kind: simulated, usb: {serial: a}", "none for a board of kind simulated"),
            ("kind: usb, path: /dev/null", "no path for a board of kind usb"),
            ("kind: usb, faults: at 1 stall", "none: only simulated boards have faults"),
        ])
    func conflicts(board: String, expected: String) {
        let found = problems("boards: [{\(board)}]")
        #expect(found.count == 1)
        #expect(found.first?.contains(expected) == true, "\(found)")
    }

    @Test(
        "Two entries that name the same board are refused, and both are named",
        arguments: [
            (
                "serial: ME-1", "serial: ME-1",
                "m.yaml:3:40: boards[1].usb.serial: found ME-1 for b, expected a serial number"
                    + " other than that of boards[0], a"
            ),
            (
                "place: '1-2'", "place: '1-2', identifiers: '16c0:05dc, 1209:0001'",
                "m.yaml:3:39: boards[1].usb.place: found 1-2 for b, expected a port path other"
                    + " than that of boards[0], a"
            ),
        ])
    func sameBoard(first: String, second: String, problem: String) {
        let text = """
            boards:
              - {name: a, kind: usb, usb: {\(first)}}
              - {name: b, kind: usb, usb: {\(second)}}
            """
        #expect(problems(text) == [problem])
    }

    @Test(
        "Two entries that can be for two boards are taken",
        arguments: [
            ("serial: ME-1", "serial: ME-2"), ("simulated: true", "simulated: true"),
            ("serial: ME-1", "serial: ME-1, identifiers: 16c0:05dc"), ("serial: a", "place: '1-2'"),
        ])
    func twoBoards(first: String, second: String) throws {
        let text =
            "boards: [{name: a, kind: usb, usb: {\(first)}}, {name: b, kind: usb, usb: {\(second)}}]"
        #expect(try settings(text).boards.count == 2)
    }

    @Test(
        "Boards whose bits are random are not mixed with boards whose bits are not",
        arguments: [
            ("kind: simulated", "simulated", false), ("kind: replay, path: /tape", "replay", false),
            ("kind: usb, usb: {simulated: true}", "usb", false), ("kind: host, path: /dev/hwrng", "host", true),
        ])
    func mixture(board: String, kind: String, isTaken: Bool) throws {
        let text = "boards: [{name: a, kind: usb}, {name: b, lanes: 64, \(board)}]"
            .replacing("lanes: 64, ", with: kind == "host" ? "lanes: 64, " : "")
        guard !isTaken else { return #expect(try settings(text).boards.count == 2) }
        let problem = try #require(problems(text).first)
        #expect(
            problem.hasSuffix(
                "boards[1].kind: found b, whose bits are not random, expected boards like boards[0], a, whose bits are"
                    + " random; run a second daemon for the others"))
    }

    @Test("The breakdown of the simulated device does not limit a real one")
    func breakdown() throws {
        let text = "boards: [{kind: usb, operatingPoint: {amplitudeMillivolts: 4000}}]"
        let board = try #require(try settings(text).boards.first)
        #expect(board.operatingPoint.amplitudeMillivolts == 4000)
    }
}

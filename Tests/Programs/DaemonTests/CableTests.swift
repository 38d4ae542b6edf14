// SPDX-License-Identifier: Apache-2.0

import TestSupport
import EntropyClient
import EntropyTerms
import Foundation
import Glibc
import Testing

/// The daemon with libusb as it is, over an emulated usbfs: a software board is plugged in, fails in every
/// way of docs/cable.md, and is pulled out.
@Suite(
    "A board on a cable: a software board on an emulated USB with the real libusb: plug, every fault of docs/cable.md, several boards, permissions, a hundred replugs",
    .serialized)
struct CableTests {
    /// Draws bits until a condition holds. A board that serves nothing ends the drawing, not the waiting.
    private static func draw(
        from daemon: DaemonProcess, until condition: () throws -> Bool
    ) throws -> Bool {
        var connection = try daemon.connect()
        return try eventually {
            do {
                _ = try connection.read(count: 1 << 18, waits: false)
            } catch EntropyError.disconnected {
                // The bits of an answer that had begun were discarded.
                connection = try daemon.connect()
            } catch EntropyError.unavailable {}
            return try condition()
        }
    }

    private static func state(_ daemon: DaemonProcess) throws -> String? {
        try daemon.boardStatus("state") as? String
    }

    private static func cause(_ daemon: DaemonProcess) throws -> String {
        try daemon.boardStatus("cause") as? String ?? ""
    }

    /// Whether the status has this text in its cause, now or soon. For causes that stay.
    private static func becomes(_ cause: String, _ daemon: DaemonProcess) throws -> Bool {
        try eventually { try Self.cause(daemon).contains(cause) }
    }

    private static func number(_ field: String, _ daemon: DaemonProcess) throws -> Int {
        try #require(try daemon.boardStatus(field) as? Int)
    }

    @Test("It is found when it is plugged in, missed when it is pulled out, and found again")
    func plug() throws {
        let boards = try SoftwareBoards()
        let daemon = try boards.daemon()
        #expect(try Self.becomes("no ME-MTJ board is on the bus", daemon))
        #expect(try mectl("status", directory: daemon.directory).status == 3)
        #expect(try Self.number("lanes", daemon) == 0)
        let holder = "metrngd (process \(daemon.processID))"
        func isHeld() throws -> Bool {
            try mectl("boards", directory: daemon.directory).text.contains(holder)
        }
        #expect(try !isHeld())
        try boards.tell("plug 1")
        let connection = try daemon.connect()
        #expect(try connection.read(count: 1 << 20).count == 1 << 20)
        #expect(try Self.number("lanes", daemon) == 512)
        #expect(try isHeld())
        #expect(try daemon.boardStatus("serial") as? String == "SOFT-1")
        #expect(try daemon.boardStatus("path") as? String == "usb:1-1")
        #expect(try daemon.boardStatus("provenance") as? String == "simulated")
        // Also while the rings are full and nobody reads the board.
        #expect(try eventually { try Self.state(daemon) == "idle" })
        try boards.tell("unplug 1")
        let cause = "the board is absent: SOFT-1 at 1-1 was unplugged; "
        #expect(eventually { daemon.hasToldFailure(cause) })
        #expect(try eventually { try Self.state(daemon) == "failed" })
        // Which board was lost, where and when stays on the screen.
        let since = try daemon.boardStatus("stateSince") as? Double
        #expect(try Self.becomes("SOFT-1 at 1-1 was unplugged; no ME-MTJ board is on the bus", daemon))
        #expect(try daemon.boardStatus("stateSince") as? Double == since)
        let screen = try mectl("status", directory: daemon.directory).text
        #expect(screen.contains("Cause: the board is absent: SOFT-1 at 1-1 was unplugged; no ME-MTJ board"))
        #expect(throws: EntropyError.unavailable) {
            _ = try connection.read(count: 32, waits: false)
        }
        try boards.tell("plug 1")
        #expect(try connection.read(count: 1 << 20).count == 1 << 20)
        #expect(daemon.stop() == 0)
    }

    @Test(
        "A board that is pulled out in the middle of a transfer is absent, and nothing hangs",
        .thorough)
    func unplugUnderLoad() throws {
        let boards = try SoftwareBoards()
        try boards.tell("plug 1")
        let daemon = try boards.daemon()
        let connection = try daemon.connect()
        for _ in 0..<3 {
            _ = try connection.read(count: 1 << 20)
            try boards.tell("fault 1 silence")
            try boards.tell("unplug 1")
            let isAbsent = try Self.draw(from: daemon) { try Self.state(daemon) == "failed" }
            #expect(isAbsent)
            try boards.tell("fault 1 none")
            try boards.tell("plug 1")
        }
        #expect(try connection.read(count: 1 << 20).count == 1 << 20)
        #expect(daemon.stop() == 0)
    }

    /// A fault that stops the board, and what the status says of it.
    struct Break: Sendable, CustomTestStringConvertible {
        let fault: String
        let state: String
        let cause: String
        var testDescription: String { fault }

        /// The lines that the virtual machine is held to as well.
        static let all: [Break] = {
            let text = textOfFile(repositoryFile("Tests/Fixtures/cable-faults.txt"))
            return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
                let fields = line.split(separator: "|").map(String.init)
                return Break(fault: fields[0], state: fields[1], cause: fields[2])
            }
        }()
    }

    @Test("The list of faults is there")
    func list() { #expect(Break.all.count == 8) }

    @Test(
        "A fault that stops it is told by its cause; when it ends, bits flow again", .thorough,
        arguments: Break.all)
    func breaks(expected: Break) throws {
        let boards = try SoftwareBoards()
        try boards.tell("plug 1")
        let daemon = try boards.daemon()
        let connection = try daemon.connect()
        _ = try connection.read(count: 1 << 20)
        try boards.tell("fault 1 \(expected.fault)")
        let isTold = try Self.draw(from: daemon) { daemon.hasToldFailure(expected.cause) }
        #expect(isTold, "\(daemon.logText)")
        #expect(try eventually { try Self.state(daemon) == expected.state })
        #expect(throws: EntropyError.unavailable) {
            _ = try connection.read(count: 32, waits: false)
        }
        try boards.tell("fault 1 none")
        #expect(try connection.read(count: 1 << 20).count == 1 << 20)
        #expect(daemon.stop() == 0)
    }

    @Test(
        "A board that is silent or absent costs next to nothing", .thorough,
        arguments: ["hang", "absent"])
    func idleCost(kind: String) throws {
        let boards = try SoftwareBoards()
        if kind == "hang" {
            try boards.tell("plug 1")
            try boards.tell("fault 1 hang")
        }
        let daemon = try boards.daemon()
        #expect(try eventually { try Self.state(daemon) == "failed" })
        let (before, began) = (daemon.processorSeconds, Date())
        sleep(3)
        let share = (daemon.processorSeconds - before) / Date().timeIntervalSince(began)
        #expect(share < 0.02)
        #expect(daemon.stop() == 0)
    }

    @Test("Transfers that are short cost nothing but speed", .thorough)
    func shortTransfers() throws {
        let boards = try SoftwareBoards("--lanes", "64")
        try boards.tell("plug 1")
        try boards.tell("fault 1 shortTransfers")
        let daemon = try boards.daemon()
        #expect(try daemon.connect().read(count: 4096).count == 4096)
        #expect(try Self.number("framesRejected", daemon) == 0)
        #expect(try Self.number("shotsDropped", daemon) == 0)
        #expect(daemon.stop() == 0)
    }

    @Test(
        "Frames that are damaged or missing are counted, and the others are used",
        arguments: [("corruptedFrames", true), ("droppedFrames", false), ("overflow", false)])
    func frames(fault: String, rejects: Bool) throws {
        let boards = try SoftwareBoards()
        try boards.tell("plug 1")
        try boards.tell("fault 1 \(fault)")
        let daemon = try boards.daemon()
        let isCounted = try Self.draw(from: daemon) { try Self.number("shotsDropped", daemon) > 0 }
        #expect(isCounted)
        #expect((try Self.number("framesRejected", daemon) > 0) == rejects)
        #expect(try Self.number("shotsDropped", daemon).isMultiple(of: 1024))
        #expect(try Self.state(daemon) != "failed")
        #expect(daemon.stop() == 0)
    }

    @Test("A board that speaks another version is refused for good, and said to be")
    func otherVersion() throws {
        let boards = try SoftwareBoards()
        try boards.tell("plug 1")
        try boards.tell("fault 1 otherVersion")
        let daemon = try boards.daemon()
        #expect(try Self.becomes("it speaks MEB/2, metrngd speaks MEB/1", daemon))
        let remedy = try daemon.boardStatus("remedy") as? String
        #expect(remedy?.contains("firmware") == true)
        #expect(daemon.stop() == 0)
    }

    @Test("A simulated board is not taken for one of hardware")
    func provenance() throws {
        let boards = try SoftwareBoards()
        try boards.tell("plug 1")
        let daemon = try boards.daemon("serial: SOFT-1")
        #expect(
            try Self.becomes("its bits are not random; simulated: true allows it", daemon))
        #expect(try daemon.boardStatus("provenance") as? String == "hardware")
        let connection = try daemon.connect()
        #expect(throws: EntropyError.unavailable) {
            _ = try connection.read(count: 1, waits: false)
        }
        #expect(daemon.stop() == 0)
    }

    @Test("Of several boards each daemon takes the one that it is told, or the first that is free")
    func selection() throws {
        let boards = try SoftwareBoards("--boards", "2", "--lanes", "64")
        try boards.tell("plug 1")
        try boards.tell("plug 2")
        let bySerial = try boards.daemon("simulated: true, serial: SOFT-2")
        #expect(try bySerial.connect().read(count: 32).count == 32)
        #expect(try bySerial.boardStatus("serial") as? String == "SOFT-2")
        let any = try boards.daemon()
        #expect(try any.connect().read(count: 32).count == 32)
        #expect(try any.boardStatus("serial") as? String == "SOFT-1")
        let byPlace = try boards.daemon("simulated: true, place: '1-2'")
        #expect(try Self.becomes("the board is in use: SOFT-2 at 1-2 is held by", byPlace))
        #expect(try Self.becomes("metrngd (process \(bySerial.processID))", byPlace))
        let none = try boards.daemon("simulated: true, serial: SOFT-3")
        let absent =
            "the board is absent: no board has the serial number SOFT-3;"
            + " there are: SOFT-1 at 1-1, SOFT-2 at 1-2"
        #expect(try Self.becomes(absent, none))
        for daemon in [bySerial, any, byPlace, none] { #expect(daemon.stop() == 0) }
    }

    @Test(
        "A board that fails in a sweep is driven where it was, and so is the one that takes its place",
        .thorough
    )
    func sweepOfTwo() throws {
        let boards = try SoftwareBoards("--boards", "2", "--lanes", "64")
        try boards.tell("plug 1")
        let daemon = try boards.daemon()
        func width() throws -> Double? {
            let point = try daemon.boardStatus("operatingPoint") as? [String: Any]
            return point?["pulseWidthPicoseconds"] as? Double
        }
        #expect(try daemon.connect().read(count: 32).count == 32)
        let before = try width()
        try boards.tell("plug 2")
        let sweep = Process()
        sweep.executableURL = URL(fileURLWithPath: "\(buildDirectory)/mectl")
        sweep.arguments = [
            // Far longer than the test, which ends it.
            "calibrate", "--width", "2000:4000:200", "--shots", "10000000", "--socket",
            daemon.directory.control,
        ]
        sweep.standardOutput = FileHandle.nullDevice
        sweep.standardError = FileHandle.nullDevice
        try sweep.run()
        #expect(try eventually { try Self.state(daemon) == "calibrating" })
        try boards.tell("unplug 1")
        sweep.waitUntilExit()
        #expect(try eventually { try daemon.boardStatus("serial") as? String == "SOFT-2" })
        #expect(try daemon.connect().read(count: 32).count == 32)
        #expect(try width() == before)
        try boards.tell("unplug 2")
        try boards.tell("plug 1")
        #expect(try eventually { try daemon.boardStatus("serial") as? String == "SOFT-1" })
        #expect(try daemon.connect().read(count: 32).count == 32)
        #expect(try width() == before)
        #expect(daemon.stop() == 0)
    }

    @Test("Without permission the board, its file and the rule that is missing are named")
    func permission() throws {
        let boards = try SoftwareBoards()
        try boards.tell("plug 1")
        boards.letEverybodyCall()
        let (directory, program) = try PermissionTests.makeDirectory(mode: 0o777)
        let daemon = try boards.daemon(
            directory: directory, wrapper: PermissionTests.unprivileged, program: program)
        #expect(
            try Self.becomes(
                "no permission to open the board: /dev/bus/usb/001/002, SOFT-1 at 1-1", daemon))
        #expect(
            try (daemon.boardStatus("remedy") as? String)?.contains("70-metrng.rules") == true)
        #expect(daemon.stop() == 0)
    }

    @Test("A hundred replugs leave no descriptor, thread or memory behind", .thorough)
    func replugs() throws {
        let boards = try SoftwareBoards("--lanes", "64", "--shots-per-frame", "256")
        let daemon = try boards.daemon()
        let connection = try daemon.connect()
        func replug() throws {
            try boards.tell("plug 1")
            #expect(try connection.read(count: 4096).count == 4096)
            try boards.tell("unplug 1")
            #expect(try Self.draw(from: daemon) { try Self.state(daemon) == "failed" })
        }
        for _ in 0..<10 { try replug() }
        let before = daemon.resources
        for _ in 0..<100 { try replug() }
        // One that was lost each time would be a hundred; what is opened once is not lost. A client that has just
        // gone is seen by the daemon a little later.
        #expect(eventually { daemon.resources.descriptors - before.descriptors < 5 })
        let after = daemon.resources
        #expect(after.threads == before.threads)
        // A pool of transfers that was lost each time would be 100 MiB.
        #expect(after.residentKibibytes - before.residentKibibytes < 2048)
        #expect(daemon.stop() == 0)
    }
}

// SPDX-License-Identifier: Apache-2.0

import EntropyClient
import Foundation
import TestSupport
import Testing

@Suite(
    "mectl board-check: a board that is right, broken in several ways, absent, held", .serialized)
struct BoardCheckTests {
    private static func check(
        _ boards: SoftwareBoards, _ arguments: String...
    ) throws -> Outcome {
        let command =
            boards.surroundings + ["\(buildDirectory)/mectl", "board-check"] + arguments
        return try run(command[0], Array(command.dropFirst()))
    }

    @Test("A board that does all of the document passes, and is reported as simulated")
    func passes() throws {
        let boards = try SoftwareBoards()
        try boards.tell("plug 1")
        let outcome = try Self.check(boards)
        #expect(outcome.status == 0, "\(outcome.text)")
        #expect(outcome.text.contains("SIMULATED"))
        #expect(outcome.text.hasSuffix("31 passed, 0 failed, 0 not offered\n"), "\(outcome.text)")
        let json = try Self.check(boards, "--json", "--serial", "SOFT-1")
        let object = try JSONSerialization.jsonObject(with: json.output) as? [String: Any]
        #expect(object?["passed"] as? Int == 31 && object?["simulated"] as? Bool == true)
    }

    @Test("A board of MEB/1.0 passes all but the checks of lanes aside, which it does not offer")
    func passesOld() throws {
        let boards = try SoftwareBoards("--minor-version", "0")
        try boards.tell("plug 1")
        let outcome = try Self.check(boards)
        #expect(outcome.status == 0, "\(outcome.text)")
        #expect(outcome.text.hasSuffix("22 passed, 0 failed, 9 not offered\n"), "\(outcome.text)")
    }

    @Test(
        "A board that is broken fails the check that is meant for it", .thorough,
        arguments: [
            ("corruptedFrames", "the checksum of frame 7 is wrong"),
            ("droppedFrames", "frame 8 arrives instead of 7"),
            ("stall", "endpoint stalled"),
            ("silence", "nothing came for 1.5 s"),
        ])
    func fails(fault: String, finding: String) throws {
        let boards = try SoftwareBoards()
        try boards.tell("plug 1")
        try boards.tell("fault 1 \(fault)")
        let outcome = try Self.check(boards)
        #expect(outcome.status == 1)
        let line = outcome.text.split(separator: "\n").first {
            $0.hasPrefix("FAILED") && $0.contains("frames follow one another")
        }
        #expect(line?.contains(finding) == true, "\(outcome.text)")
        #expect(outcome.text.contains("ok           an operating point is set and read back"))
    }

    @Test(
        "A board whose array operations are broken fails their checks",
        arguments: [
            ("lostWrites", "states are written and read back", "other states come back"),
            ("lostPulses", "pulses switch devices", "hardly a device switches in 64 tries"),
            (
                "unmaskedPulses", "masked devices are neither written nor pulsed, and read as 0",
                "masked devices do not keep their states"
            ),
            (
                "invertedReads", "masked devices are neither written nor pulsed, and read as 0",
                "masked lanes do not read as 0"
            ),
            ("invertedReads", "states are written and read back", "other states come back"),
            ("lostWrites", "lanes aside are written, pulsed, and read", "other states come back"),
            (
                "lostPulses", "lanes aside are written, pulsed, and read",
                "hardly a device switches in 64 tries"
            ),
            (
                "unmaskedPulses", "lanes aside have a point, trims and a mask of their own",
                "masked lanes aside are pulsed"
            ),
            (
                "invertedReads", "a lane keeps its state when it is set aside and comes back",
                "lanes lose their states as they go"
            ),
            (
                "lostLanes", "lanes are set aside, counted, and told, until a reset",
                "the status says that 0 lanes are masked"
            ),
            ("lostLanes", "lanes aside keep out of the stream", "frames go on to count 0"),
            ("endedStream", "lanes aside keep out of the stream", "nothing came for 1.5 s"),
        ])
    func failsArray(fault: String, check: String, finding: String) throws {
        let boards = try SoftwareBoards()
        try boards.tell("plug 1")
        try boards.tell("fault 1 \(fault)")
        let outcome = try Self.check(boards)
        #expect(outcome.status == 1)
        let line = outcome.text.split(separator: "\n").first {
            $0.hasPrefix("FAILED") && $0.contains(check)
        }
        #expect(line?.contains(finding) == true, "\(outcome.text)")
        #expect(outcome.text.contains("ok           frames follow one another"))
    }

    @Test(
        "A board that does not tell what it is cannot be checked",
        arguments: [
            ("refusal", "GET_INFO: it was refused"),
            ("mutedRequests", "GET_INFO: it was not answered in 500 ms"),
            ("nonsense", "it speaks MEB/90"),
            ("otherVersion", "it speaks MEB/2"),
        ])
    func cannot(fault: String, cause: String) throws {
        let boards = try SoftwareBoards()
        try boards.tell("plug 1")
        try boards.tell("fault 1 \(fault)")
        let outcome = try Self.check(boards)
        #expect(outcome.status == 1 && outcome.errors.contains(cause), "\(outcome.errors)")
    }

    @Test("A board that is pulled out in the middle is said to be, in the words of people")
    func unplugged() throws {
        let boards = try SoftwareBoards()
        try boards.tell("plug 1")
        // A silent board takes many seconds to check.
        try boards.tell("fault 1 silence")
        let command = boards.surroundings + ["\(buildDirectory)/mectl", "board-check"]
        let check = Process()
        let errors = Pipe()
        check.executableURL = URL(fileURLWithPath: command[0])
        check.arguments = Array(command.dropFirst())
        check.standardOutput = FileHandle.nullDevice
        check.standardError = errors
        try check.run()
        #expect(eventually { Self.isOpen("/dev/bus/usb/001/002", by: check.processIdentifier) })
        try boards.tell("unplug 1")
        let text = String(
            decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        check.waitUntilExit()
        #expect(check.terminationStatus == 3, "\(text)")
        let expected = "mectl: error: the board is absent: SOFT-1 at 1-1 was unplugged"
        #expect(text.hasPrefix(expected), "\(text)")
    }

    private static func isOpen(_ file: String, by process: Int32) -> Bool {
        let folder = "/proc/\(process)/fd"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.contains { name in
            let target = try? FileManager.default.destinationOfSymbolicLink(
                atPath: "\(folder)/\(name)")
            return target?.hasSuffix(file) ?? false
        }
    }

    @Test("A USB that cannot be used is told with its reason, and what would help")
    func noBus() throws {
        // Enough for the program and its libraries, and not for libusb.
        let outcome = try run(
            "/usr/bin/prlimit", ["--nofile=4:4", "\(buildDirectory)/mectl", "board-check"])
        #expect(outcome.status == 1)
        let expected = "the USB cannot be used: cannot start libusb (LIBUSB_ERROR_"
        #expect(outcome.errors.contains(expected), "\(outcome.errors)")
        #expect(outcome.errors.contains("Too many open files"), "\(outcome.errors)")
        #expect(outcome.errors.contains("ulimit -n"), "\(outcome.errors)")
    }

    @Test("A board that is absent or held is said to be, and wrong usage is refused")
    func absent() throws {
        let boards = try SoftwareBoards()
        let absent = try Self.check(boards)
        #expect(absent.status == 3 && absent.errors.contains("no ME-MTJ board is on the bus"))
        try boards.tell("plug 1")
        #expect(try Self.check(boards, "--place", "1-7").status == 3)
        #expect(try Self.check(boards, "--identifier", "16c0").status == 64)
        #expect(try Self.check(boards, "--socket", "/run").status == 64)
        #expect(try Self.check(boards, "--serial", "a", "--place", "1-1").status == 64)
        let daemon = try boards.daemon()
        _ = try daemon.connect().read(count: 32)
        let held = try Self.check(boards)
        #expect(held.status == 1)
        #expect(held.errors.contains("metrngd (process \(daemon.processID))"), "\(held.errors)")
        #expect(daemon.stop() == 0)
    }
}

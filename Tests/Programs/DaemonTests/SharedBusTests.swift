// SPDX-License-Identifier: Apache-2.0

import EntropyClient
import Foundation
import TestSupport
import Testing

/// Several boards on one bus, and entries of the configuration that meet there.
@Suite(
    "Boards on a shared bus: entries that meet on one board, boards that an entry names, power that is lost",
    .serialized)
struct SharedBusTests {
    private static func cause(_ board: String, _ daemon: DaemonProcess) throws -> String {
        try daemon.boardStatus("cause", of: board) as? String ?? ""
    }

    @Test("Two entries that meet on one board are told apart, and what would help")
    func taken() throws {
        let boards = try SoftwareBoards("--lanes", "64")
        try boards.tell("plug 1")
        let daemon = try boards.daemon(of: ["a": "simulated: true", "b": "simulated: true"])
        func loser() throws -> String? {
            try ["a", "b"].first { try !Self.cause($0, daemon).isEmpty }
        }
        #expect(try eventually { try loser() != nil })
        let board = try #require(try loser())
        #expect(
            try Self.cause(board, daemon)
                == "the board is in use: SOFT-1 at 1-1 is held by another entry of boards")
        let remedy = try daemon.boardStatus("remedy", of: board) as? String
        #expect(remedy?.contains("usb.serial") == true, "\(remedy ?? "")")
        #expect(daemon.stop() == 0)
    }

    @Test("A board that an entry names is left to it by one that takes any")
    func reserved() throws {
        let boards = try SoftwareBoards("--boards", "2", "--lanes", "64")
        try boards.tell("plug 1")
        let daemon = try boards.daemon(
            of: ["any": "simulated: true", "named": "simulated: true, serial: SOFT-1"])
        #expect(
            try eventually { try daemon.boardStatus("serial", of: "named") as? String == "SOFT-1" })
        let absent =
            "the board is absent: every board is named by another entry of boards;"
            + " there are: SOFT-1 at 1-1"
        #expect(try eventually { try Self.cause("any", daemon) == absent })
        try boards.tell("unplug 1")
        try boards.tell("plug 2")
        #expect(
            try eventually { try daemon.boardStatus("serial", of: "any") as? String == "SOFT-2" })
        #expect(daemon.stop() == 0)
    }

    @Test(
        "A board forgets with its power how it was driven, and the daemon that drove it sets it again"
    )
    func power() throws {
        let boards = try SoftwareBoards("--lanes", "64")
        try boards.tell("plug 1")
        func width(_ daemon: DaemonProcess) throws -> Double? {
            #expect(try eventually { try daemon.boardStatus("serial") as? String == "SOFT-1" })
            let point = try daemon.boardStatus("operatingPoint") as? [String: Any]
            return point?["pulseWidthPicoseconds"] as? Double
        }
        let first = try boards.daemon()
        let powerUp = try #require(try width(first))
        let wanted = 2 * powerUp
        #expect(try mectl("set", "--width", "\(wanted)", directory: first.directory).status == 0)
        try boards.tell("unplug 1")
        #expect(try eventually { try first.boardStatus("state") as? String == "failed" })
        try boards.tell("plug 1")
        #expect(try eventually { try first.boardStatus("state") as? String != "failed" })
        #expect(first.stop() == 0)
        // What a daemon finds that never drove the board is what the board itself has.
        let second = try boards.daemon()
        #expect(try width(second) == wanted)
        #expect(second.stop() == 0)
        try boards.tell("unplug 1")
        try boards.tell("plug 1")
        let third = try boards.daemon()
        #expect(try width(third) == powerUp)
        #expect(third.stop() == 0)
    }
}

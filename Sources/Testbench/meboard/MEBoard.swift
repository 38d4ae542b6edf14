// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BoardProtocol
import Glibc
import SoftwareUSB

/// Software boards, for tests and demonstrations.
@main
struct MEBoard: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "meboard",
        abstract: "Software boards, as USB devices. Their bits are simulated, not random.",
        discussion: """
            Reads commands from standard input, one per line, and answers each with one line, "ok" or \
            "error: …". It exits at the end of its input.

              plug N             plugs board N in
              unplug N           unplugs it
              fault N NAME       makes it fail in one of the ways below
              fault N none       ends the fault

            Faults: \(BoardSet.faultNames).

            "emulate" must run under umockdev-wrapper (Debian package umockdev), and so must the programs that use \
            the boards.
            "attach" needs root and the kernel module vhci-hcd (modprobe vhci-hcd); every program then sees the \
            boards.
            """,
        subcommands: [Emulate.self, Attach.self])
}

/// What all boards of a run have in common.
struct BoardOptions: ParsableArguments {
    @Option(help: "Number of boards.")
    var boards = 1

    @Option(help: "Lanes per board.")
    var lanes = 512

    @Option(help: "Shots per frame.")
    var shotsPerFrame = 1024

    @Option(help: "Minor version of MEB/1: 0 for boards that cannot set lanes aside.")
    var minorVersion = BoardInterface.minorVersion

    @Flag(help: "SuperSpeed instead of high speed.")
    var superSpeed = false

    func validate() throws {
        guard (1...4).contains(boards) else { throw ValidationError("boards: 1 to 4") }
        guard (64...4096).contains(lanes), lanes.isMultiple(of: 64) else {
            throw ValidationError("lanes: a multiple of 64 from 64 to 4096")
        }
        guard minorVersion <= BoardInterface.minorVersion else {
            throw ValidationError("minorVersion: 0 to \(BoardInterface.minorVersion)")
        }
        guard (1...(1 << 20) / (lanes / 8)).contains(shotsPerFrame) else {
            throw ValidationError("shotsPerFrame: a frame holds at most 1 MiB")
        }
    }
}

struct Emulate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Emulate boards for programs that run under umockdev-wrapper.",
        discussion: """
            Run it as "umockdev-wrapper meboard emulate". The first line of the output is the \
            directory for UMOCKDEV_DIR. End those programs before this one, or they abort.
            """)

    @OptionGroup var options: BoardOptions

    func run() throws {
        let bus = try EmulatedBus()
        let places = (1...options.boards).map { "1-\($0)" }
        let set = try BoardSet(options, on: bus, places: places)
        say(bus.directory)
        set.serve()
    }
}

struct Attach: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Plug boards into the kernel's virtual host controller.",
        discussion: "Needs root and the kernel module vhci-hcd.")

    @OptionGroup var options: BoardOptions

    func run() throws {
        let set = try BoardSet(
            options, on: try VirtualController(),
            places: (1...options.boards).map { "\($0)" })
        set.serve()
    }
}

/// Writes a line to standard output, at once.
func say(_ line: String) {
    print(line)
    // All streams: the one for standard output is a global variable.
    fflush(nil)
}

// SPDX-License-Identifier: Apache-2.0

package import BoardInterface
package import ControlInterface
package import EntropyClient
import EntropyTerms
import Glibc
package import LinuxPlatform
package import Recordings
package import Varlink

/// The exit status of `mectl`.
package enum MectlExit: Int32, Sendable {
    case success = 0
    case failure = 1
    /// There is no board, or one is unhealthy or has failed.
    case notHealthy = 3
    /// There is no such board, or more than one.
    case noSuchBoard = 4
    /// The command line is wrong.
    case usage = 64
    /// The daemon does not answer.
    case unreachable = 69
    case notPermitted = 77
    /// Ctrl-C, as shells report it.
    case interrupted = 130
}

/// What the user can do when samples fail.
package enum SamplesRemedy: Equatable {
    case allow
    case start
    case access(path: String)
    case otherSocket
}

/// The reason that a verb failed.
package enum Failure: Error, Equatable {
    /// The daemon, at this path, gave no answer.
    case daemon(ControlClientError, path: String)
    case output(OutputError)
    /// The daemon gave no bits.
    case bits(EntropyError)
    /// The entropy socket at this path gave no bits for samples: the exit status, and what happened.
    case samples(MectlExit, String, remedy: SamplesRemedy?)
    /// The wait timed out, or can never succeed.
    case waitFailed(String, hint: String?)
    /// Bits were about to go to a terminal.
    case bitsToTerminal
    /// The daemon's reply cannot be written as JSON.
    case json(JSONError)
    /// A file cannot be created or written.
    case file(SystemError)
    /// A lane was not exported completely; the good part before the error is kept in a file, if there is any.
    case export(LaneExportError, file: String, kept: String?)
    /// A board could not be opened, or does not describe itself.
    case board(BoardError)
    /// No operating point that was measured is good enough to be set.
    case nothingProposed
    /// Ended by an interrupt or SIGTERM.
    case interrupted

    package var exitCode: MectlExit {
        switch self {
        case .daemon(.control(let error), _): exitCode(of: error)
        case .daemon(.varlink(let error), _): exitCode(of: error)
        case .output(.closed): .success
        case .output(.system), .json, .bitsToTerminal, .file, .export, .nothingProposed: .failure
        case .interrupted: .interrupted
        case .waitFailed: .notHealthy
        case .board(.absent): .notHealthy
        case .board(.notPermitted): .notPermitted
        case .board: .failure
        case .bits(let error): exitCode(of: error)
        case .samples(let code, _, _): code
        }
    }

    private func exitCode(of error: ControlError) -> MectlExit {
        switch error {
        case .noSuchBoard("", boards: []), .boardFailed: .notHealthy
        case .noSuchBoard, .ambiguousBoard: .noSuchBoard
        case .notPermitted: .notPermitted
        case .outOfRange, .badFault: .usage
        case .noSuchPreset, .notEnoughLanes: .usage
        case .notSimulated, .notTunable, .busy, .tooManyWatches, .noDescriptor, .notLeasable, .lanesTaken,
            .recordingFailed, .configurationRefused:
            .failure
        }
    }

    private func exitCode(of error: EntropyError) -> MectlExit {
        switch error {
        case .unreachable, .disconnected, .overQuota, .shuttingDown: .unreachable
        case .notPermitted, .denied: .notPermitted
        case .unavailable: .notHealthy
        case .notGenuine, .notOffered, .protocolViolation: .failure
        }
    }

    private func exitCode(of error: VarlinkClientError) -> MectlExit {
        switch error {
        case .unreachable, .disconnected, .timedOut: .unreachable
        case .notPermitted, .remote(.permissionDenied): .notPermitted
        case .remote, .badReply, .replyTooLong, .badParameters: .failure
        }
    }

    /// The error and the hint, as lines for standard error; empty when the output was closed.
    package var message: String {
        if case .output(.closed) = self { return "" }
        let (error, hint) = explanation
        return "mectl: error: \(error)\n" + (hint.map { "mectl: hint: \($0)\n" } ?? "")
    }

    private var explanation: (error: String, hint: String?) {
        switch self {
        case .daemon(.control(let error), let path): explain(error, at: path)
        case .daemon(.varlink(let error), let path): explain(error, at: path)
        case .output(.closed): ("the standard output is closed", nil)
        case .output(.system(let error)): ("\(error)", nil)
        case .bits(.notGenuine(let provenance)):
            (
                "metrngd serves \(provenance.name) bits, which are not random",
                allowHint
            )
        case .bits(.unreachable(let path, let reason)):
            (
                "cannot connect to \(path): \(reason)",
                socketHint
            )
        case .bits(.notPermitted(let path)):
            (
                "cannot connect to \(path): Permission denied",
                accessHint(path)
            )
        case .bits(.protocolViolation(let what)):
            ("the peer does not speak MEP/1: \(what)", otherSocketHint)
        case .bits(let error): ("\(error)", "see the state of metrngd: mectl status")
        case .samples(_, let message, let remedy): (printable(message), hint(remedy))
        case .bitsToTerminal:
            ("bits are not written to a terminal", "redirect them, as in: mectl stream | rngtest")
        case .json: ("metrngd's reply cannot be written as JSON", nil)
        case .file(let error): ("\(error)", hint(on: error))
        case .export(let error, let file, let kept):
            (
                "\(printable(file)): \(error)",
                kept.map { "the samples before that are in \(printable($0))" }
            )
        case .board(let error): (printable("\(error)"), hint(on: error))
        case .nothingProposed:
            ("no operating point was good enough to be set", "sweep other widths or amplitudes")
        case .interrupted: ("interrupted before the end", nil)
        case .waitFailed(let reason, let hint): (reason, hint)
        }
    }

    private func hint(_ remedy: SamplesRemedy?) -> String? {
        switch remedy {
        case .allow: allowHint
        case .start: socketHint
        case .access(let path): accessHint(path)
        case .otherSocket: otherSocketHint
        case nil: nil
        }
    }

    private var allowHint: String { "to accept them, use --allow-simulated" }

    private var socketHint: String { "\(startHint), or give its socket with --entropy-socket" }

    private var otherSocketHint: String { "give metrngd's entropy socket with --entropy-socket" }

    private func hint(on error: BoardError) -> String {
        switch error {
        case .absent: "plug the board in"
        case .notPermitted: "run this as root, or as a member of the group metrng"
        case .busy, .taken: "end the other program"
        case .noBus: error.remedy
        case .unsupported: "see docs/board-protocol.md"
        case .stalled, .ended: "reset or replug the board"
        }
    }

    private func hint(on error: SystemError) -> String? {
        error.code == EEXIST
            ? "existing files are not overwritten: choose another name, or remove the file"
            : error.placeRemedy.map { "\($0), or choose another file" }
    }

    private func explain(
        _ error: ControlError, at path: String
    ) -> (error: String, hint: String?) {
        switch error {
        case .noSuchBoard(let asked, let boards):
            explain(asked: asked, boards: boards.map(printable))
        case .ambiguousBoard(let asked, let boards):
            (
                "more than one board has the serial number \(printable(asked))",
                "name one of: \(boards.map(printable).joined(separator: ", "))"
            )
        case .notPermitted:
            (
                "metrngd does not permit this user to make changes",
                "run this as root, or ask to be added to the group metrng-admin"
            )
        case .notSimulated(let board):
            (
                "\(printable(board)) is not simulated by metrngd",
                "only boards of kind simulated accept faults"
            )
        case .notTunable(let board):
            ("\(printable(board)) has no operating point to set", nil)
        case .noSuchPreset(let board, let preset, let presets):
            explain(preset: printable(preset), board: printable(board), presets: presets.map(printable))
        case .outOfRange(let quantity, let value, let minimum, let maximum):
            explain(TypedQuantity(quantity), value, limits: (minimum, maximum))
        case .busy(let board):
            (
                "another operation is in progress on \(printable(board))",
                "try again when it has ended"
            )
        case .tooManyWatches(let limit):
            (
                "this user watches metrngd on \(limit) connections, which is as many as it may",
                "end another mectl watch or mectl wait"
            )
        case .boardFailed(let board, let cause):
            ("\(printable(board)): \(printable(cause))", "see its state: mectl status")
        case .badFault(let reason): (printable(reason), nil)
        case .noDescriptor: ("metrngd received no file", versionHint)
        case .recordingFailed(let cause):
            ("the recording failed: \(printable(cause))", "choose a file on a fast disk with free space")
        case .notLeasable(let board, let cause):
            ("the lanes of \(printable(board)) cannot be leased: \(printable(cause))", nil)
        case .notEnoughLanes(let board, let wanted, let available):
            (
                "\(wanted) lanes of \(printable(board)) were asked for, and \(available) are good and free",
                "ask for fewer, or see which lanes fail: mectl health"
            )
        case .lanesTaken(let board, let lanes):
            (
                "these lanes of \(printable(board)) are leased already: \(LaneList.text(lanes))",
                "see who has them: mectl status"
            )
        case .configurationRefused(let problems): explain(problems: problems.map(printable))
        }
    }

    private func explain(preset: String, board: String, presets: [String]) -> (error: String, hint: String?) {
        (
            "no preset \(preset) is known to suit the devices of \(board)",
            presets.isEmpty
                ? "a preset is a property of a model: measure the board with mectl calibrate"
                : "known is: \(presets.joined(separator: ", "))"
        )
    }

    private func explain(problems: [String]) -> (error: String, hint: String?) {
        (
            (["the configuration is wrong and was not applied:"] + problems).joined(separator: "\nmectl: error: "),
            "the one in force stays; correct the files and try again"
        )
    }

    private func explain(
        _ quantity: TypedQuantity, _ value: Double, limits: (Double, Double)
    ) -> (error: String, hint: String?) {
        func text(_ value: Double) -> String {
            (Int(exactly: value).map(String.init) ?? "\(value)") + quantity.unit
        }
        return (
            "\(quantity.name) \(text(value)) is outside the board's limits",
            "it takes \(text(limits.0)) to \(text(limits.1))"
        )
    }

    private func explain(asked: String, boards: [String]) -> (error: String, hint: String?) {
        let names = boards.joined(separator: ", ")
        switch (asked.isEmpty, boards.isEmpty) {
        case (true, true):
            return ("there is no board", "see what metrngd looks for: mectl config show")
        case (true, false): return ("there is more than one board", "name one of: \(names)")
        case (false, true):
            return ("there is no board \(printable(asked))", "there are no boards")
        case (false, false):
            return ("there is no board \(printable(asked))", "there are: \(names)")
        }
    }

    private func explain(
        _ error: VarlinkClientError, at path: String
    ) -> (error: String, hint: String?) {
        switch error {
        case .unreachable(let reason) where reason.code == ENAMETOOLONG:
            (
                "\(reason)",
                "the path of a socket has at most 107 bytes: choose a shorter one"
            )
        case .unreachable(let reason):
            (
                "\(reason)",
                "\(startHint), or give its socket with --socket or METRNG_CONTROL"
            )
        case .notPermitted(let reason):
            ("\(reason)", accessHint(path))
        case .disconnected:
            (
                "metrngd at \(path) closed the connection before it answered",
                "it is starting, stopping, or cannot start: see systemctl status metrngd, and"
                    + " journalctl --unit metrngd"
            )
        case .timedOut(let milliseconds):
            (
                "metrngd at \(path) has not answered for \(milliseconds / 1_000) s",
                "see journalctl --unit metrngd"
            )
        case .remote(.permissionDenied):
            ("metrngd does not permit this", accessHint(path))
        case .remote(let error):
            ("metrngd replied with the error \(printable(error.name))", versionHint)
        case .badReply, .replyTooLong, .badParameters:
            ("the program at \(path) does not speak the protocol of this mectl", versionHint)
        }
    }

    private var startHint: String {
        "start metrngd (systemctl start metrngd; if that fails, see journalctl --unit metrngd)"
    }

    /// The hint for a user outside the socket's group, which is named if it can be read.
    private func accessHint(_ path: String) -> String {
        groupOfFile(path).map {
            "ask to be added to the group \(printable($0)): usermod --append --groups"
                + " \(printable($0)) \(userName(geteuid()) ?? "USER"), and log in again"
        } ?? "ask to be added to the group of the socket: ls -l \(path)"
    }

    private var versionHint: String { "check that the versions match: mectl version" }
}

/// A quantity of an operating point as a user types it.
private struct TypedQuantity {
    let name: String
    /// With a space before it; empty when it is not known.
    let unit: String

    /// - Parameter quantity: as the daemon names it, as in "pulse width in ps".
    init(_ quantity: String) {
        let known = [
            ("amplitude", "--amplitude", " mV"), ("pulse width", "--width", " ps"),
            ("pulseWidth", "--width", " ps"), ("bias field", "--bias-field", " µT"),
            ("biasField", "--bias-field", " µT"),
        ]
        let option = known.first { quantity.contains($0.0) }
        (name, unit) = (option?.1 ?? printable(quantity), option?.2 ?? "")
    }
}

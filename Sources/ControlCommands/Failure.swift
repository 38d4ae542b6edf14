// SPDX-License-Identifier: Apache-2.0

package import ControlInterface
package import EntropyClient
import EntropyTerms
package import Varlink

/// What `mectl` says to the program that started it.
package enum MectlExit: Int32, Sendable {
    case success = 0
    case failure = 1
    /// There is no board, or one is unhealthy or has failed.
    case notHealthy = 3
    case noSuchBoard = 4
    /// The command line makes no sense.
    case usage = 64
    /// The daemon does not answer.
    case unreachable = 69
    case notPermitted = 77
}

/// Why a verb could not do what it was asked.
package enum Failure: Error, Equatable {
    /// The daemon, at this path, gave no answer.
    case daemon(ControlClientError, path: String)
    case output(OutputError)
    /// The daemon gave no bits.
    case bits(EntropyError)
    /// Bits were about to go to a terminal.
    case bitsToTerminal
    /// What the daemon said cannot be written as JSON.
    case json(JSONError)

    package var exitCode: MectlExit {
        switch self {
        case .daemon(.noSuchBoard(nil, boards: []), _): .notHealthy
        case .daemon(.noSuchBoard, _): .noSuchBoard
        case .daemon(.varlink(let error), _): exitCode(of: error)
        case .output(.closed): .success
        case .output(.system), .json, .bitsToTerminal: .failure
        case .bits(let error): exitCode(of: error)
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

    /// What went wrong and what to try next, as lines for the standard error; empty when there is
    /// nobody to tell.
    package var message: String {
        if case .output(.closed) = self { return "" }
        let (error, hint) = explanation
        return "mectl: error: \(error)\n" + (hint.map { "mectl: hint: \($0)\n" } ?? "")
    }

    private var explanation: (error: String, hint: String?) {
        switch self {
        case .daemon(.noSuchBoard(let asked, let boards), _):
            explain(asked: asked, boards: boards.map(printable))
        case .daemon(.varlink(let error), let path): explain(error, at: path)
        case .output(.closed): ("the standard output is closed", nil)
        case .output(.system(let error)): ("\(error)", nil)
        case .bits(.notGenuine(let provenance)):
            (
                "metrngd serves \(provenance.name) bits, which are not random",
                "if that is what you want: --allow-simulated"
            )
        case .bits(.unreachable(let path, let reason)):
            ("cannot connect to \(path): \(reason)", "start metrngd, or name its socket")
        case .bits(.notPermitted(let path)):
            (
                "cannot connect to \(path): Permission denied",
                "ask to be added to the group that may: ls -l \(path)"
            )
        case .bits(let error): ("\(error)", "see what metrngd is doing: mectl status")
        case .bitsToTerminal:
            ("bits are not for a terminal", "redirect them, as in: mectl stream | rngtest")
        case .json: ("the answer of metrngd cannot be written as JSON", nil)
        }
    }

    private func explain(asked: String?, boards: [String]) -> (error: String, hint: String?) {
        let names = boards.joined(separator: ", ")
        switch (asked, boards.isEmpty) {
        case (nil, true):
            return ("there is no board", "see what metrngd looks for: mectl config show")
        case (nil, false): return ("there is more than one board", "name one of: \(names)")
        case (let asked?, true):
            return ("there is no board \(printable(asked))", "there is none at all")
        case (let asked?, false):
            return ("there is no board \(printable(asked))", "there are: \(names)")
        }
    }

    private func explain(
        _ error: VarlinkClientError, at path: String
    ) -> (error: String, hint: String?) {
        switch error {
        case .unreachable(let reason):
            ("\(reason)", "start metrngd, or name its socket with --socket or METRNG_CONTROL")
        case .notPermitted(let reason):
            ("\(reason)", "ask to be added to the group that may: ls -l \(path)")
        case .disconnected:
            (
                "metrngd at \(path) closed the connection before it answered",
                "it may be stopping, or have too many clients; try again"
            )
        case .timedOut(let milliseconds):
            (
                "metrngd at \(path) has not answered for \(milliseconds / 1_000) s",
                "see the log of metrngd"
            )
        case .remote(.permissionDenied):
            ("metrngd does not permit this", "ask to be added to the group that may: ls -l \(path)")
        case .remote(let error):
            ("metrngd answered with the error \(printable(error.name))", versionHint)
        case .badReply, .replyTooLong, .badParameters:
            ("what answers at \(path) does not speak as this mectl expects", versionHint)
        }
    }

    private var versionHint: String { "see whether the versions are the same: mectl version" }
}

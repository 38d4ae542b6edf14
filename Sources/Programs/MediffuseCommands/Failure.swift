// SPDX-License-Identifier: Apache-2.0

package import Diffusion
import EntropyClient
import EntropyTerms
import Glibc
package import LinuxPlatform
package import PNGFiles

/// The exit status of `mediffuse`; the same as that of `mectl`.
package enum Exit: Int32, Sendable {
    case success = 0
    case failure = 1
    /// There is no board, or it cannot be used now.
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

/// The reason that a verb failed.
package enum Failure: Error {
    case diffusion(DiffusionError)
    /// A model cannot be used, for the reason given.
    case model(String)
    /// The model is not for what was asked of it.
    case unfit(String)
    case output(SystemError)
    /// A file cannot be read or made.
    case file(SystemError)
    /// A file is no image that can be used.
    case image(PNGError, path: String)
    /// A picture cannot be made.
    case picture(PNGError)

    package var exitCode: Exit {
        switch self {
        case .diffusion(.array(let error)): exitCode(of: error)
        case .diffusion(.bits(let error)): exitCode(of: error)
        case .diffusion(.interrupted): .interrupted
        case .output(let error) where error.code == EPIPE: .success
        case .diffusion(.tooFewLanes): .notHealthy
        case .diffusion, .model, .unfit, .output, .file, .image, .picture: .failure
        }
    }

    private func exitCode(of error: ArrayError) -> Exit {
        switch error {
        case .unreachable, .disconnected, .timedOut, .shuttingDown: .unreachable
        case .notPermitted: .notPermitted
        case .noSuchBoard("", boards: []), .boardFailed, .boardGone, .lanesLost, .notEnoughLanes: .notHealthy
        case .noSuchBoard, .ambiguousBoard: .noSuchBoard
        case .notGenuine, .busy, .notLeasable, .lanesTaken, .outOfRange, .expired, .protocolViolation, .ofParentProcess:
            .failure
        }
    }

    private func exitCode(of error: SamplingError) -> Exit {
        switch error.reason {
        case .unreachable, .disconnected, .overQuota: .unreachable
        case .notPermitted, .denied: .notPermitted
        case .unavailable: .notHealthy
        case .interrupted: .interrupted
        case .notGenuine, .notOffered, .protocolViolation, .invalidArgument, .noMemory: .failure
        }
    }

    /// The error and the hint, as lines for standard error; empty when the output was closed.
    package var message: String {
        if case .output(let error) = self, error.code == EPIPE { return "" }
        let (error, hint) = explanation
        return "mediffuse: error: \(error.printable)\n" + (hint.map { "mediffuse: hint: \($0.printable)\n" } ?? "")
    }

    private var explanation: (error: String, hint: String?) {
        switch self {
        case .diffusion(.bits(let error)) where error.reason == .notGenuine:
            ("metrngd serves bits that are not random", Self.allowHint)
        case .diffusion(.array(.notGenuine(let provenance))):
            ("the devices are \(provenance.name), not an array", Self.allowHint)
        case .diffusion(let error): ("\(error)", nil)
        case .model(let reason), .unfit(let reason): (reason, nil)
        case .output(let error): ("\(error)", nil)
        case .file(let error): ("\(error)", Self.hint(on: error))
        case .image(let error, let path): Self.explain(error, path)
        case .picture(let error): ("the picture cannot be made: \(error)", nil)
        }
    }

    private static let allowHint = "to accept them, use --allow-simulated"

    private static func hint(on error: SystemError) -> String? {
        error.code == EEXIST
            ? "existing files are not overwritten: choose another name, or remove the file"
            : error.placeRemedy.map { "\($0), or choose another file" }
    }

    private static func explain(_ error: PNGError, _ path: String) -> (String, String?) {
        switch error {
        case .damaged(let reason): ("\(path) is no PNG image, or a damaged one: \(reason)", nil)
        case .tooLarge(let height, let width, let limit):
            (
                "\(path) has \(width) × \(height) pixels, and at most \(limit) × \(limit) are taken",
                "make it smaller: convert \(path) -resize \(limit)x\(limit) SMALLER.png"
            )
        case .tooDeep:
            (
                "\(path) has 16 bits a channel, and at most 8 are taken",
                "convert it: convert \(path) -depth 8 OTHER.png"
            )
        case .notWritten(let reason): (reason, nil)
        }
    }
}

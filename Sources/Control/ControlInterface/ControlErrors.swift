// SPDX-License-Identifier: Apache-2.0

import BoardOperations
import BoardProtocol
package import Varlink

/// The errors of `org.metrng.Control`, with what they carry.
package enum ControlError: Error, Sendable, Equatable {
    /// There is no board of that name or serial; with `asked` empty, there is not exactly one board.
    case noSuchBoard(asked: String, boards: [String])
    /// Several boards have that serial; with their names, of which each means one.
    case ambiguousBoard(asked: String, boards: [String])
    /// The client may read, but not change anything.
    case notPermitted
    case notSimulated(board: String)
    case notTunable(board: String)
    /// No preset of that name is known to suit the board; with those that are.
    case noSuchPreset(board: String, preset: String, presets: [String])
    case outOfRange(quantity: String, value: Double, minimum: Double, maximum: Double)
    /// Something else is being done with the board.
    case busy(board: String)
    /// The user has as many watches as one user may have.
    case tooManyWatches(limit: Int)
    case boardFailed(board: String, cause: String)
    case badFault(reason: String)
    /// No descriptor of a file came with the call.
    case noDescriptor
    case recordingFailed(cause: String)
    /// The lanes of the board cannot be leased.
    case notLeasable(board: String, cause: String)
    case notEnoughLanes(board: String, wanted: Int, available: Int)
    case lanesTaken(board: String, lanes: [Int])
    /// The configuration is wrong: a line for each problem.
    case configurationRefused(problems: [String])

    private static let prefix = "\(controlInterfaceName)."

    package var varlink: VarlinkError {
        switch self {
        case .noSuchBoard(let asked, let boards):
            error(
                "NoSuchBoard",
                ["board": .string(asked), "boards": .array(boards.map(JSONValue.string))])
        case .ambiguousBoard(let asked, let boards):
            error(
                "AmbiguousBoard",
                ["board": .string(asked), "boards": .array(boards.map(JSONValue.string))])
        case .notPermitted: error("NotPermitted", [:])
        case .notSimulated(let board): error("NotSimulated", ["board": .string(board)])
        case .notTunable(let board): error("NotTunable", ["board": .string(board)])
        case .noSuchPreset(let board, let preset, let presets):
            error(
                "NoSuchPreset",
                [
                    "board": .string(board), "preset": .string(preset),
                    "presets": .array(presets.map(JSONValue.string)),
                ])
        case .outOfRange(let quantity, let value, let minimum, let maximum):
            error(
                "OutOfRange",
                [
                    "quantity": .string(quantity), "value": .number(value),
                    "minimum": .number(minimum), "maximum": .number(maximum),
                ])
        case .busy(let board): error("Busy", ["board": .string(board)])
        case .tooManyWatches(let limit):
            error("TooManyWatches", ["limit": .integer(Int64(limit))])
        case .boardFailed(let board, let cause):
            error("BoardFailed", ["board": .string(board), "cause": .string(cause)])
        case .badFault(let reason): error("BadFault", ["reason": .string(reason)])
        case .noDescriptor: error("NoDescriptor", [:])
        case .recordingFailed(let cause): error("RecordingFailed", ["cause": .string(cause)])
        case .notLeasable(let board, let cause):
            error("NotLeasable", ["board": .string(board), "cause": .string(cause)])
        case .notEnoughLanes(let board, let wanted, let available):
            error(
                "NotEnoughLanes",
                ["board": .string(board), "wanted": .integer(Int64(wanted)), "available": .integer(Int64(available))])
        case .lanesTaken(let board, let lanes):
            error("LanesTaken", ["board": .string(board), "lanes": .array(lanes.map { .integer(Int64($0)) })])
        case .configurationRefused(let problems):
            error("ConfigurationRefused", ["problems": .array(problems.map(JSONValue.string))])
        }
    }

    private func error(_ name: String, _ parameters: JSONValue) -> VarlinkError {
        VarlinkError(name: Self.prefix + name, parameters: parameters)
    }

    /// Nil for an error of another interface, and for one that does not carry what it should.
    package init?(_ error: VarlinkError) {
        guard error.name.hasPrefix(Self.prefix),
            let details = try? error.parameters.decode(Details.self)
        else { return nil }
        switch (error.name.dropFirst(Self.prefix.count), details.board) {
        case ("NoSuchBoard", let board?):
            self = .noSuchBoard(asked: board, boards: details.boards ?? [])
        case ("AmbiguousBoard", let board?):
            self = .ambiguousBoard(asked: board, boards: details.boards ?? [])
        case ("NotPermitted", _): self = .notPermitted
        case ("NotSimulated", let board?): self = .notSimulated(board: board)
        case ("NotTunable", let board?): self = .notTunable(board: board)
        case ("NoSuchPreset", let board?):
            self = .noSuchPreset(board: board, preset: details.preset ?? "", presets: details.presets ?? [])
        case ("OutOfRange", _):
            guard let quantity = details.quantity, let value = details.value,
                let minimum = details.minimum, let maximum = details.maximum
            else { return nil }
            self = .outOfRange(
                quantity: quantity, value: value, minimum: minimum, maximum: maximum)
        case ("Busy", let board?): self = .busy(board: board)
        case ("TooManyWatches", _):
            guard let limit = details.limit else { return nil }
            self = .tooManyWatches(limit: limit)
        case ("BoardFailed", let board?):
            self = .boardFailed(board: board, cause: details.cause ?? "")
        case ("BadFault", _): self = .badFault(reason: details.reason ?? "")
        case ("NoDescriptor", _): self = .noDescriptor
        case ("RecordingFailed", _): self = .recordingFailed(cause: details.cause ?? "")
        case ("NotLeasable", let board?): self = .notLeasable(board: board, cause: details.cause ?? "")
        case ("NotEnoughLanes", let board?):
            self = .notEnoughLanes(board: board, wanted: details.wanted ?? 0, available: details.available ?? 0)
        case ("LanesTaken", let board?): self = .lanesTaken(board: board, lanes: details.lanes ?? [])
        case ("ConfigurationRefused", _):
            self = .configurationRefused(problems: details.problems ?? [])
        default: return nil
        }
    }

    private struct Details: Decodable {
        let board: String?
        let boards: [String]?
        let quantity: String?
        let value: Double?
        let minimum: Double?
        let maximum: Double?
        let cause: String?
        let reason: String?
        let problems: [String]?
        let limit: Int?
        let wanted: Int?
        let available: Int?
        let lanes: [Int]?
        let preset: String?
        let presets: [String]?
    }
}

extension VarlinkError {
    package static func control(_ error: ControlError) -> VarlinkError { error.varlink }

    /// The error of the interface for an operation that was refused or failed.
    ///
    /// - Parameter board: the name of the board that it was asked of.
    init(_ error: BoardOperationError, board: String) {
        self =
            switch error {
            case .badParameter(let name): .invalidParameter(name)
            case .noFile: .control(.noDescriptor)
            case .board(let cause): .control(.boardFailed(board: board, cause: cause))
            case .notTunable: .control(.notTunable(board: board))
            case .noSuchPreset(let name, let known):
                .control(.noSuchPreset(board: board, preset: name, presets: known))
            case .notSimulated: .control(.notSimulated(board: board))
            case .outOfRange(let violation):
                .control(
                    .outOfRange(
                        quantity: violation.quantity, value: violation.value,
                        minimum: violation.limits.lowerBound, maximum: violation.limits.upperBound))
            case .badFault(let reason): .control(.badFault(reason: reason))
            case .recording(let cause): .control(.recordingFailed(cause: cause))
            case .busy: .control(.busy(board: board))
            case .notLeasable(let cause): .control(.notLeasable(board: board, cause: cause))
            case .notEnoughLanes(let wanted, let available):
                .control(.notEnoughLanes(board: board, wanted: wanted, available: available))
            case .lanesTaken(let lanes): .control(.lanesTaken(board: board, lanes: lanes))
            case .cancelled: .control(.boardFailed(board: board, cause: "it was cancelled"))
            }
    }
}

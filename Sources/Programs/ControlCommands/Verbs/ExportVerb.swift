// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BoardInterface
import BoardProtocol
import EntropyTerms
import Glibc
import LinuxPlatform
import RecordingFormat
import Recordings

struct ExportVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Extract lanes of a recording for the estimators of NIST SP 800-90B.",
        discussion: """
            The output has one byte, 0 or 1, for each bit; the bits of several lanes follow one another shot by \
            shot. Needs no daemon. If the recording is damaged, the samples before the damage are kept.
            """)

    @Argument(help: "The recording.")
    var file: String

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The lanes, from 0: one, a list such as 3,9 or 0-3, or all.", valueName: "lanes"),
        transform: laneChoice)
    var lane: LaneExport.Lanes

    @Option(
        help: ArgumentHelp(
            "File for the samples. An existing file is not overwritten; - is the standard output.",
            valueName: "file"))
    var output: String

    @Flag(help: "Extract the first samples after each start of the board, one row per start.")
    var restartMatrix = false

    @Option(parsing: .unconditional, help: "Number of starts (default: \(LaneExport.matrixRestarts)).")
    var rows: Int?

    @Option(parsing: .unconditional, help: "Number of samples per start (default: \(LaneExport.matrixSamples)).")
    var columns: Int?

    static let foreignOptions: Set = ["--json", "--socket"]

    func validate() throws {
        guard restartMatrix || (rows == nil && columns == nil) else {
            throw ValidationError("--rows and --columns are for --restart-matrix")
        }
        guard rows ?? 1 > 0, columns ?? 1 > 0 else {
            throw ValidationError("--rows and --columns take numbers from 1")
        }
        if restartMatrix {
            guard case .some(let lanes) = lane, lanes.count == 1 else {
                throw ValidationError("--restart-matrix takes one --lane")
            }
        }
    }

    func perform(on console: Console) throws(Failure) -> MectlExit {
        if output == standardOutputName { return try performOnStandardOutput(console) }
        let target = try NewFile(output)
        let text: String
        do {
            text = try export(LaneExport.writing(to: target.descriptor))
        } catch {
            let isKept = !target.isEmpty
            if !isKept { target.remove() }
            throw .export(error, file: file, kept: isKept ? output : nil)
        }
        do {
            try console.write(console.shown(text))
        } catch {
            throw .output(error)
        }
        return .success
    }

    private func performOnStandardOutput(_ console: Console) throws(Failure) -> MectlExit {
        guard !console.outputIsTerminal else { throw .bitsToTerminal }
        do {
            let text = try export { (bytes) throws(SystemError) in
                do throws(OutputError) {
                    try console.writeBytes(bytes)
                } catch {
                    throw error.systemError
                }
            }
            console.tell(console.shown(text))
        } catch .output(let error) where error.code == EPIPE {
            throw .output(.closed)
        } catch {
            throw .export(error, file: file, kept: nil)
        }
        return .success
    }

    /// - Returns: what was exported, for people.
    private func export(_ write: @escaping LaneExport.Write) throws(LaneExportError) -> String {
        let export = try LaneExport(path: file, lanes: lane, write: write)
        let several = export.lanes.count > 1 ? " of each of \(grouped(export.lanes.count)) lanes" : ""
        let what: String
        if restartMatrix {
            let rows = rows ?? LaneExport.matrixRestarts
            let columns = columns ?? LaneExport.matrixSamples
            try export.writeRestartMatrix(restarts: rows, samples: columns)
            what = "\(grouped(columns)) samples of each of \(grouped(rows)) starts"
        } else {
            what = "\(grouped(try export.writeSequence())) samples\(several)"
        }
        return exportText(what, of: export.context.board, lanes: export.lanes, in: output)
    }
}

@Sendable private func laneChoice(_ argument: String) throws -> LaneExport.Lanes {
    if argument == "all" { return .all }
    // A number that no board has as a lane is refused with those of the recording.
    if let lane = Int(argument) { return .some([lane]) }
    guard let lanes = LaneList.parse(argument) else {
        throw ValidationError("--lane takes all, or lanes such as 3,7-9, not \(printable(argument))")
    }
    return .some(lanes)
}

/// - Parameter what: the samples that were exported, in words.
private func exportText(
    _ what: String, of board: BoardDescription, lanes: [Int], in file: String
) -> String {
    let place = file == standardOutputName ? "the standard output" : printable(file)
    return banner([(board.serial, board.provenance)])
        + "\(lanes.count == 1 ? "lane" : "lanes") \(LaneList.text(lanes)) of"
        + " \(printable(board.kind)) board \(printable(board.serial)): \(what) in \(place)\n"
}

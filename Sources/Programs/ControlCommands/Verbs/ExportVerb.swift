// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import RecordingFormat
import Recordings

struct ExportVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Extract a lane of a recording for the estimators of NIST SP 800-90B.",
        discussion: """
            The output has one byte, 0 or 1, for each bit. Needs no daemon. If the recording is damaged, \
            the samples before the damage are kept.
            """)

    @Argument(help: "The recording.")
    var file: String

    @Option(help: "The lane, from 0.")
    var lane: Int

    @Option(
        help: ArgumentHelp(
            "File for the samples. An existing file is not overwritten.", valueName: "file")
    )
    var output: String

    @Flag(help: "Extract the first samples after each start of the board, one row per start.")
    var restartMatrix = false

    @Option(help: "Number of starts (default: \(LaneExport.matrixRestarts)).")
    var rows: Int?

    @Option(help: "Number of samples per start (default: \(LaneExport.matrixSamples)).")
    var columns: Int?

    func validate() throws {
        guard restartMatrix || (rows == nil && columns == nil) else {
            throw ValidationError("--rows and --columns are for --restart-matrix")
        }
        guard rows ?? 1 > 0, columns ?? 1 > 0 else {
            throw ValidationError("--rows and --columns take numbers from 1")
        }
    }

    func perform(on console: Console) throws(Failure) -> MectlExit {
        let target = try NewFile(output)
        let text: String
        do {
            text = try export(to: target)
        } catch {
            let isKept = !target.isEmpty
            if !isKept { target.remove() }
            throw .export(error, file: file, kept: isKept ? output : nil)
        }
        do {
            try console.write(text)
        } catch {
            throw .output(error)
        }
        return .success
    }

    /// - Returns: what was exported, for people.
    private func export(to target: NewFile) throws(LaneExportError) -> String {
        let export = try LaneExport(path: file, lane: lane, to: target.descriptor)
        let what: String
        if restartMatrix {
            let rows = rows ?? LaneExport.matrixRestarts
            let columns = columns ?? LaneExport.matrixSamples
            try export.writeRestartMatrix(restarts: rows, samples: columns)
            what = "\(grouped(columns)) samples of each of \(grouped(rows)) starts"
        } else {
            what = "\(grouped(try export.writeSequence())) samples"
        }
        return exportText(what, of: export.context.board, lane: lane, in: output)
    }
}

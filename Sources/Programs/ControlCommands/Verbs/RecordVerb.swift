// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface
import RecordingFormat
import Recordings

struct RecordVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "record",
        abstract: "Record frames of a board to a file.",
        discussion: """
            Recorded bits are not served. If the board or the disk fails, the file keeps the frames received \
            until then, as a truncated recording. With --restarts, the board is restarted for the restart tests \
            of NIST SP 800-90B.
            """)

    @Option(
        help: ArgumentHelp(
            "File for the recording. An existing file is not overwritten.", valueName: "file"))
    var output: String

    @Option(
        help: """
            Number of shots; with --restarts, per start. Frames are kept whole, so there may be a few more.
            """)
    var shots: Int

    @Option(help: "Number of starts; 1 means no restart.")
    var restarts = 1

    @Option(help: "A board, by name or serial. Not needed when there is only one.")
    var board: String?

    @OptionGroup var options: ReadingOptions

    func validate() throws {
        guard RecordRequest.shotLimits.contains(shots) else {
            throw ValidationError("--shots takes a number \(limits(RecordRequest.shotLimits))")
        }
        guard RecordRequest.restartLimits.contains(restarts) else {
            throw ValidationError(
                "--restarts takes a number \(limits(RecordRequest.restartLimits))")
        }
    }

    func perform(on console: Console) throws(Failure) -> MectlExit {
        let file = try NewFile(output)
        let report: RecordReport
        do {
            report = try record(to: file, console)
        } catch {
            if case .interrupted = error {
                file.remove()
            } else {
                keepOrRemove(file, console)
            }
            throw error
        }
        try options.show(.recording(report), on: console)
        return .success
    }

    /// Keeps the file if it holds frames: those before a failure are good.
    private func keepOrRemove(_ file: NewFile, _ console: Console) {
        guard Self.holdsFrames(file) else { return file.remove() }
        console.tell(
            "mectl: note: \(printable(output)) keeps the frames received until then, as a truncated recording\n"
        )
    }

    private static func holdsFrames(_ file: NewFile) -> Bool {
        do throws(RecordingError) {
            let reader = try RecordingReader(path: file.path)
            let buffer = UnsafeMutableRawBufferPointer.allocate(
                byteCount: reader.bufferCount, alignment: 8)
            defer { buffer.deallocate() }
            return try reader.next(into: buffer) != nil
        } catch {
            return false
        }
    }

    private func record(
        to file: NewFile, _ console: Console
    ) throws(Failure) -> RecordReport {
        console.catchInterrupts()
        var progress = Progress(
            on: console, note: "recorded bits are not served", unit: "shots")
        defer { progress.end() }
        let (source, recorded) = try options.ask(console) { (client) throws(ControlClientError) in
            let source = try client.resolveBoard(board)
            let recorded = try client.record(
                shots: shots, restarts: restarts, to: file.descriptor, board: source.name
            ) { progress.show($0.shotsDone, of: $0.shotsTotal) }
            return (source, recorded)
        }
        guard let recorded else { throw .interrupted }
        return RecordReport(
            name: source.name, provenance: source.provenance, file: output,
            shots: recorded.shotsDone, restarts: restarts, bytes: recorded.bytes)
    }
}

/// As in "from 250 to 400".
func limits(_ range: ClosedRange<Double>) -> String {
    "from \(decimal(range.lowerBound, places: 0)) to \(decimal(range.upperBound, places: 0))"
}

/// As in "from 1 to 10,000".
func limits(_ range: ClosedRange<Int>) -> String {
    "from \(grouped(range.lowerBound)) to \(grouped(range.upperBound))"
}

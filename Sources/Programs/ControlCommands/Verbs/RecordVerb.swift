// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BoardOperations
import BoardProtocol
import ControlInterface
import EntropyTerms
import RecordingFormat
import Recordings

struct RecordVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "record",
        abstract: "Record frames of a board to a file.",
        discussion: """
            Recorded bits are not served. If the board or the disk fails, or after Ctrl-C, the file keeps the \
            frames received until then, as a truncated recording. With --restarts, the board is restarted for the restart tests \
            of NIST SP 800-90B.
            """)

    @Option(
        help: ArgumentHelp(
            """
            File for the recording. An existing file is not overwritten; - is the standard output, to which the \
            recording is copied at its end from a file in TMPDIR.
            """, valueName: "file"))
    var output: String

    @Option(
        parsing: .unconditional,
        help: """
            Number of shots; with --restarts, per start. Frames are kept whole, so there may be a few more.
            """)
    var shots: Int

    @Option(parsing: .unconditional, help: "Number of starts; 1 means no restart.")
    var restarts = 1

    @Option(help: "A board, by name or serial. Not needed when there is only one.")
    var board: String?

    @OptionGroup var options: ReadingOptions

    func validate() throws {
        guard Record.shotLimits.contains(shots) else {
            throw ValidationError("--shots takes a number \(limits(Record.shotLimits))")
        }
        guard Record.restartLimits.contains(restarts) else {
            throw ValidationError(
                "--restarts takes a number \(limits(Record.restartLimits))")
        }
        guard output != standardOutputName || !options.json else {
            throw ValidationError("with --output - the standard output is the recording, not JSON")
        }
    }

    func perform(on console: Console) throws(Failure) -> MectlExit {
        if output == standardOutputName { return try performOnStandardOutput(console) }
        let file = try NewFile(output)
        let report: RecordReport
        do {
            report = try record(to: file, console)
        } catch {
            keepOrRemove(file, console)
            throw error
        }
        try options.show(report, on: console)
        return .success
    }

    private func performOnStandardOutput(_ console: Console) throws(Failure) -> MectlExit {
        guard !console.outputIsTerminal else { throw .bitsToTerminal }
        // The daemon takes a regular file only: a pipe could make it wait.
        let file = try NewFile(unnamedIn: console.variable("TMPDIR") ?? "/tmp")
        let report: RecordReport
        do {
            report = try record(to: file, console)
        } catch {
            if Self.holdsFrames(file) { try file.copy(to: console) }
            throw error
        }
        try file.copy(to: console)
        console.tell(console.shown(report.text(palette: .plain, now: console.now())))
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
            let recorded = try client.perform(
                Record(shots: shots, restarts: restarts, file: file.descriptor), on: source.name
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

/// A recording that was made.
struct RecordReport: Report {
    var name: String
    @ByName package var provenance: Provenance
    var file: String
    /// The shots of all starts.
    var shots: Int
    /// Number of starts of the board; 1 without restarts.
    var restarts: Int
    var bytes: Int

    init(
        name: String, provenance: Provenance, file: String, shots: Int, restarts: Int,
        bytes: Int
    ) {
        self.name = name
        self.provenance = provenance
        self.file = file
        self.shots = shots
        self.restarts = restarts
        self.bytes = bytes
    }
}

extension RecordReport {
    func text(palette: Palette, now: Double) -> String {
        let starts = restarts > 1 ? " of \(grouped(restarts)) starts" : ""
        return banner([(name, provenance)])
            + "\(printable(name)): \(grouped(shots)) shots\(starts) in"
            + " \(file == standardOutputName ? "the standard output" : printable(file)),"
            + " \(quantity(Double(bytes), "B"))\n"
    }
}

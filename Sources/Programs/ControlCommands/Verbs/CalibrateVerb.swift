// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BoardOperations
import BoardProtocol
import ControlInterface
import OperatingPointControl

struct CalibrateVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "calibrate",
        abstract: "Measure switching against pulse amplitude and width, and propose a point.",
        discussion: """
            A range is FROM:TO:COUNT, or one value. Every width is measured at every amplitude. \
            Nothing is served meanwhile; the board returns to its operating point afterwards, unless \
            --apply sets the proposed one.
            """)

    /// From pulses that do nothing to where the precession has died down.
    private static let defaultWidths = SweepRange(from: 50, to: 9_000, count: 180)

    @Argument(help: "A board, by name or serial. Not needed when there is only one.")
    var board: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Amplitudes, in mV (default: the present one).", valueName: "range"),
        transform: sweepRange)
    var amplitude: SweepRange?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Widths, in ps (default: 50:9000:180, or the present one with several amplitudes).",
            valueName: "range"),
        transform: sweepRange)
    var width: SweepRange?

    @Option(parsing: .unconditional, help: "Shots per point.")
    var shots = 65_536

    @Option(
        help: ArgumentHelp("Write the points as CSV; - for standard output.", valueName: "file"))
    var csv: String?

    @Option(help: ArgumentHelp("Write a chart of the points as SVG.", valueName: "file"))
    var svg: String?

    @Flag(help: "Set the proposed operating point.")
    var apply = false

    @OptionGroup var options: ReadingOptions

    func validate() throws {
        guard Calibrate.shotLimits.contains(shots) else {
            throw ValidationError("--shots takes a number \(limits(Calibrate.shotLimits))")
        }
        let points = operation.points
        guard points <= Calibrate.maximumPoints else {
            throw ValidationError(
                "\(grouped(points)) points are more than \(grouped(Calibrate.maximumPoints))")
        }
        guard csv != "-" || !options.json else {
            throw ValidationError("--csv - and --json both write to standard output")
        }
    }

    private var operation: Calibrate {
        // Several amplitudes are measured at the present width, one amplitude at all widths.
        let isAcross = amplitude?.count ?? 1 > 1
        return Calibrate(
            amplitudes: amplitude, widths: width ?? (isAcross ? nil : Self.defaultWidths),
            shotsPerPoint: shots)
    }

    func perform(on console: Console) throws(Failure) -> MectlExit {
        var files = Files()
        let sweep: SweepReport
        do throws(Failure) {
            // A sweep is long, so its files are created first.
            if let csv, csv != "-" { files.csv = try NewFile(csv) }
            files.svg = try svg.map { (path) throws(Failure) in try NewFile(path) }
            sweep = try measure(console)
            try files.csv?.write(sweepCSV(sweep))
            try files.svg?.write(sweepSVG(sweep))
        } catch {
            files.remove()
            throw error
        }
        let (applied, failure) = applyProposal(of: sweep, console)
        try show(CalibrationReport(sweep: sweep, applied: applied), on: console)
        if let failure { throw failure }
        return .success
    }

    private struct Files {
        var csv: NewFile?
        var svg: NewFile?

        func remove() {
            csv?.remove()
            svg?.remove()
        }
    }

    private func measure(_ console: Console) throws(Failure) -> SweepReport {
        console.catchInterrupts()
        var progress = Progress(
            on: console, note: "nothing is served while operating points are measured",
            unit: "points")
        defer { progress.end() }
        let sweep = try options.ask(console) { (client) throws(ControlClientError) in
            let board = try client.resolveBoard(board)
            let present = try client.status(of: board.name).boards.first?.operatingPoint
            for warning in present.map(operation.unlikelyUnits) ?? [] { console.warn(warning) }
            return try client.perform(operation, on: board.name) {
                progress.show($0.pointsDone, of: $0.pointsTotal)
            }?.sweep
        }
        guard let sweep else { throw .interrupted }
        return sweep
    }

    /// Sets the proposal if requested. The measurement is shown even if this fails.
    private func applyProposal(
        of sweep: SweepReport, _ console: Console
    ) -> (applied: OperatingPoint?, Failure?) {
        guard apply else { return (nil, nil) }
        guard let proposal = sweep.proposal else { return (nil, .nothingProposed) }
        do throws(Failure) {
            let applied = try options.ask(console) { (client) throws(ControlClientError) in
                try client.perform(
                    SetOperatingPoint(PartialOperatingPoint(proposal)), on: sweep.name
                ).operatingPoint
            }
            return (applied, nil)
        } catch {
            return (nil, error)
        }
    }

    private func show(_ report: CalibrationReport, on console: Console) throws(Failure) {
        guard csv == "-" else { return try options.show(report, on: console) }
        do {
            try console.write(sweepCSV(report.sweep))
        } catch {
            throw .output(error)
        }
        if let applied = report.applied {
            console.tell(
                "mectl: note: \(printable(report.sweep.name)) is set to \(pulses(applied))\n")
        }
    }
}

@Sendable private func sweepRange(_ argument: String) throws -> SweepRange {
    guard let range = SweepRange(argument) else {
        let parts = argument.split(separator: ":", omittingEmptySubsequences: false)
        if parts.count == 3, let count = Int(parts[2]), count > Calibrate.maximumPoints {
            throw ValidationError(
                "\(grouped(count)) points are more than \(grouped(Calibrate.maximumPoints))")
        }
        throw ValidationError(
            "\(printable(argument)) is not a range: FROM:TO:COUNT, as in 50:9000:180, or one value")
    }
    return range
}

extension SweepRange {
    /// - Parameter text: `FROM:TO:COUNT` with two different ends, or one value.
    init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard let from = Double(parts[0]) else { return nil }
        switch parts.count {
        case 1: self.init(from: from, to: from, count: 1)
        case 3:
            guard let to = Double(parts[1]), let count = Int(parts[2]), count == 1 || from != to
            else { return nil }
            self.init(from: from, to: to, count: count)
        default: return nil
        }
        guard isValid else { return nil }
    }
}

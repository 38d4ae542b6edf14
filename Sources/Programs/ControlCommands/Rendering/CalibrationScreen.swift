// SPDX-License-Identifier: Apache-2.0

package import BoardOperations
package import BoardProtocol
import OperatingPointControl

/// What was measured, and whether the proposal was set.
package struct CalibrationReport: Codable, Sendable, Equatable {
    package var sweep: SweepReport
    /// What the board is driven with since; nil when nothing was set.
    @Nullable package var applied: OperatingPoint?

    package init(sweep: SweepReport, applied: OperatingPoint?) {
        self.sweep = sweep
        self.applied = applied
    }
}

/// A picture of the points, the proposal and the reason for it.
extension CalibrationReport: Report {
    package static var isFolded: Bool { true }

    package func text(palette: Palette, now: Double) -> String { text(palette: palette, now: now, columns: nil) }

    package func text(palette: Palette, now: Double, columns: Int?) -> String {
        let width = min(max(columns ?? .max, pictureWidths.lowerBound), pictureWidths.upperBound)
        return calibrationScreen(self, columns: width - labelWidth, palette: palette)
    }
}

private func calibrationScreen(_ report: CalibrationReport, columns: Int, palette: Palette) -> String {
    let sweep = report.sweep
    let picture = SweepCurves(sweep.points).map {
        sweepPicture($0, sweep, columns: columns, palette: palette)
    }
    return banner([(sweep.name, sweep.provenance)]) + (picture.map { $0 + "\n" } ?? "")
        + proposalText(report)
}

/// How wide pictures are, in characters: as wide as the terminal within these limits.
private let pictureWidths = 40...80
private let labelWidth = 6

private func sweepPicture(
    _ curves: SweepCurves, _ sweep: SweepReport, columns: Int, palette: Palette
) -> String {
    let mark = sweep.proposal.map { curves.axis.place(of: $0) }
    switch (curves.curves.count, curves.curves[0].count) {
    case (1, 1):
        let point = curves.curves[0][0]
        return "\(printable(sweep.name)): switching probability \(decimal(within(point.switching), places: 3)),"
            + " at \(SweepCurves.Axis.width.level(of: point)), \(SweepCurves.Axis.amplitude.level(of: point))\n"
    case (1, _):
        let level = curves.axis.level(of: curves.curves[0][0])
        return "\(printable(sweep.name)): switching probability, at \(level)\n"
            + curvePlot(curves, columns: columns)
            + axisLines(curves, columns: columns, mark: mark)
    default:
        return "\(printable(sweep.name)): switching probability,"
            + " by amplitude in mV\n"
            + sweepMap(curves, columns: columns, palette: palette)
            + axisLines(curves, columns: columns, mark: mark)
            + "\n\(padded("", to: labelWidth))P: "
            + ShadeScale(around: 0.5, span: 0.5, palette: palette).legend(places: 0) + "\n"
    }
}

/// P from 0 to 1 against the axis, and the line of ½.
private func curvePlot(_ curves: SweepCurves, columns: Int) -> String {
    // An odd number of rows, so that there is one for ½.
    var canvas = BrailleCanvas(columns: columns, rows: 21)
    let size = canvas.size
    let dots = curves.curves[0].map { point in
        (
            x: Int((curves.share(curves.axis.place(of: point)) * Double(size.x - 1)).rounded()),
            y: Int(((1 - within(point.switching)) * Double(size.y - 1)).rounded())
        )
    }
    for (start, end) in zip(dots, dots.dropFirst()) { canvas.drawLine(from: start, to: end) }
    let labels = [0: "P = 1", 5: "0.75", 10: "0.5", 15: "0.25", 20: "0"]
    return (0..<canvas.rows).map { row in
        let label = padded(labels[row] ?? "", to: labelWidth - 1, .right)
        let cells = canvas.row(row, empty: row == 10 ? "╌" : " ")
        return withoutTrailingSpaces("\(label)\(labels[row] == nil ? "│" : "┤")\(cells)") + "\n"
    }.joined()
}

/// The highest amplitude on top; where there are more points than cells, a cell is a mean.
private func sweepMap(_ curves: SweepCurves, columns: Int, palette: Palette) -> String {
    let scale = ShadeScale(around: 0.5, span: 0.5, palette: palette)
    let rows = min(curves.curves.count, 24)
    return (0..<rows).reversed().map { row in
        let group = curves.curves[share(row, of: rows, curves.curves.count)]
        let label = group.first?.first.map { decimal($0.amplitudeMillivolts, places: 0) } ?? ""
        let cells = (0..<columns).map { column in
            let points = group.flatMap { $0[share(column, of: columns, $0.count)] }
            return scale.shade(of: points.reduce(0) { $0 + $1.switching } / Double(points.count))
        }
        return "\(padded(label, to: labelWidth - 1, .right)) \(cells.joined())\n"
    }.joined()
}

/// The elements, of `count`, that belong to a cell; at least one.
private func share(_ cell: Int, of cells: Int, _ count: Int) -> Range<Int> {
    let first = cell * count / cells
    return first..<max(first + 1, (cell + 1) * count / cells)
}

/// The axis with its ticks and the mark of the proposal, their values, and what it is of.
private func axisLines(_ curves: SweepCurves, columns: Int, mark: Double?) -> String {
    func column(_ value: Double) -> Int {
        Int((curves.share(value) * Double(columns - 1)).rounded())
    }
    var line = Array(repeating: Character("─"), count: columns)
    var values = ""
    // As many digits as tell one tick from the next.
    let length = curves.range.upperBound - curves.range.lowerBound
    let places = length > 0 ? (0...3).first { length * [1, 10, 100, 1000][$0] >= 5 } ?? 3 : 0
    for tick in curves.ticks(max(columns / 12, 2)) {
        line[column(tick)] = "┬"
        let text = decimal(tick, places: places)
        let start = min(max(column(tick) - text.count / 2, 0), columns - text.count)
        // Two values never run into each other.
        guard values.isEmpty || start > values.count else { continue }
        values = padded(values, to: start) + text
    }
    if let mark, curves.range.contains(mark) { line[column(mark)] = "▲" }
    let indent = padded("", to: labelWidth)
    let title = curves.axis.title
    return "\(padded("", to: labelWidth - 1))└\(String(line))\n\(indent)\(values)\n"
        + "\(indent)\(padded("", to: (columns - title.count) / 2))\(title)\n"
}

/// How an operating point outlives a restart of the daemon.
private func permanence(of point: OperatingPoint, board: String) -> String {
    """
    Until metrngd restarts. To keep it, add to \(board) in boards of /etc/metrng/metrngd.yaml:
        operatingPoint:
          amplitudeMillivolts: \(decimal(point.amplitudeMillivolts, places: 1))
          pulseWidthPicoseconds: \(decimal(point.pulseWidthPicoseconds, places: 1))
          biasFieldMicrotesla: \(decimal(point.biasFieldMicrotesla, places: 1))

    """
}

private func proposalText(_ report: CalibrationReport) -> String {
    let sweep = report.sweep
    guard let proposal = sweep.proposal else {
        return "No proposal: \(printable(sweep.reason))\n"
    }
    let name = printable(sweep.name)
    let next =
        report.applied.map {
            "Set: the operating point of \(name) is now \(pulses($0))\n" + permanence(of: $0, board: name)
        }
        ?? "Not set. To set it: mectl set \(name)"
        + " --amplitude \(decimal(proposal.amplitudeMillivolts, places: 1))"
        + " --width \(decimal(proposal.pulseWidthPicoseconds, places: 1))\n"
    return "Proposal (▲): \(pulses(proposal)): \(printable(sweep.reason))\n\(next)"
}

// SPDX-License-Identifier: Apache-2.0

package import ControlInterface
import EntropyTerms

/// A board a line; two lines where that is too wide for the terminal.
extension BoardList: Report {
    package static var isFolded: Bool { true }

    package func text(palette: Palette, now: Double) -> String { text(palette: palette, now: now, columns: nil) }

    package func text(palette: Palette, now: Double, columns: Int?) -> String {
        guard !boards.isEmpty else { return "There is no board.\n" }
        let wide = wideTable(boards)
        return fits(wide, columns: columns) ? wide : narrowTable(boards)
    }
}

private let stateHeader = ["NAME", "KIND", "PROVENANCE", "STATE", "LANES"]
private let stateAlignments = [Alignment.left, .left, .left, .left, .right]

/// What every board is and does.
private func stateCells(_ board: BoardSummary) -> [String] {
    [
        board.name, board.kind, board.provenance.name, board.state.rawValue,
        board.lanes == 0 ? "" : "\(board.goodLanes)/\(board.lanes)",
    ].map(printable)
}

private func wideTable(_ boards: [BoardSummary]) -> String {
    let rows = boards.map { board in
        stateCells(board) + [board.serial, board.firmware, board.path, board.holder].map(printable)
    }
    return table(
        [stateHeader + ["SERIAL", "FIRMWARE", "PATH", "HOLDER"]] + rows,
        stateAlignments + [.left, .left, .left, .left])
}

/// The table of states, with the rest of each board in a line below its own.
private func narrowTable(_ boards: [BoardSummary]) -> String {
    let lines = table([stateHeader] + boards.map(stateCells), stateAlignments).split(separator: "\n")
    let rows = zip(lines.dropFirst(), boards).map { line, board in
        let facts = [
            ("serial", board.serial), ("firmware", board.firmware), ("at", board.path), ("held by", board.holder),
        ]
        .filter { !$0.1.isEmpty }.map { "\($0) \(printable($1))" }
        return facts.isEmpty ? "\(line)\n" : "\(line)\n  \(facts.joined(separator: ", "))\n"
    }
    return "\(lines[0])\n\(rows.joined())"
}

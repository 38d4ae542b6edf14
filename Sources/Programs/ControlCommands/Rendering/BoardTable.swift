// SPDX-License-Identifier: Apache-2.0

package import ControlInterface
import EntropyTerms

/// A board a line.
extension BoardList: Report {
    package func text(palette: Palette, now: Double) -> String { boardTable(boards) }
}

private func boardTable(_ boards: [BoardSummary]) -> String {
    guard !boards.isEmpty else { return "There is no board.\n" }
    let header = [
        "NAME", "KIND", "PROVENANCE", "STATE", "LANES", "SERIAL", "FIRMWARE", "PATH", "HOLDER",
    ]
    let rows = boards.map { board in
        [
            board.name, board.kind, board.provenance.name, board.state.rawValue,
            board.lanes == 0 ? "" : "\(board.goodLanes)/\(board.lanes)", board.serial,
            board.firmware, board.path,
            board.holder,
        ].map(printable)
    }
    return table(
        [header] + rows, [.left, .left, .left, .left, .right, .left, .left, .left, .left])
}

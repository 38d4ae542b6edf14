// SPDX-License-Identifier: Apache-2.0

package import ControlInterface

/// A board a line.
package func boardTable(_ boards: [BoardSummary]) -> String {
    guard !boards.isEmpty else { return "There is no board.\n" }
    let header = [
        "NAME", "KIND", "PROVENANCE", "STATE", "LANES", "SERIAL", "FIRMWARE", "PATH", "HOLDER",
    ]
    let rows = boards.map { board in
        [
            board.name, board.kind, board.provenance.rawValue, board.state.rawValue,
            board.lanes == 0 ? "" : "\(board.goodLanes)/\(board.lanes)", board.serial,
            board.firmware, board.path,
            board.holder,
        ].map(printable)
    }
    return table(
        [header] + rows, [.left, .left, .left, .left, .right, .left, .left, .left, .left])
}

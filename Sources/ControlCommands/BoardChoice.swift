// SPDX-License-Identifier: Apache-2.0

import ControlInterface

extension ControlClient {
    /// The board that is meant, as the daemon itself finds it: by name or serial, or the only one.
    ///
    /// - Throws: also `noSuchBoard`.
    func theBoard(_ asked: String?) throws(ControlClientError) -> BoardSummary {
        let boards = try boards()
        let meant = boards.filter { asked == nil || $0.name == asked || $0.serial == asked }
        guard meant.count == 1 else {
            throw .control(.noSuchBoard(asked: asked ?? "", boards: boards.map(\.name)))
        }
        return meant[0]
    }
}

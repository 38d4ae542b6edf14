// SPDX-License-Identifier: Apache-2.0

import ControlInterface

extension ControlClient {
    /// Finds a board as the daemon does: by name or serial, or the only one.
    ///
    /// - Throws: also `noSuchBoard` and `ambiguousBoard`.
    func resolveBoard(_ asked: String?) throws(ControlClientError) -> BoardSummary {
        let boards = try boards()
        do { return try boards.meant(by: asked) } catch { throw .control(error) }
    }
}

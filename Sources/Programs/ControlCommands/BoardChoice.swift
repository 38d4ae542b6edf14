// SPDX-License-Identifier: Apache-2.0

import ControlInterface

extension ControlClient {
    /// The board that is meant, as the daemon itself finds it: by name or serial, or the only one.
    ///
    /// - Throws: also `noSuchBoard` and `ambiguousBoard`.
    func theBoard(_ asked: String?) throws(ControlClientError) -> BoardSummary {
        let boards = try boards()
        do { return try boards.meant(by: asked) } catch { throw .control(error) }
    }
}

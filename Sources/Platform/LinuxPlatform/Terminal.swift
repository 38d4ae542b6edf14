// SPDX-License-Identifier: Apache-2.0

import CLinux

/// The size of a terminal in characters.
package struct TerminalSize: Sendable, Equatable {
    package var rows: Int
    package var columns: Int

    package init(rows: Int, columns: Int) {
        self.rows = rows
        self.columns = columns
    }

    /// The size of the terminal at a descriptor; nil when it is no terminal or does not know.
    package init?(of descriptor: Int32) {
        var (rows, columns) = (Int32(0), Int32(0))
        guard clinux_terminal_size(descriptor, &rows, &columns) == 0, rows > 0, columns > 0 else { return nil }
        self.init(rows: Int(rows), columns: Int(columns))
    }
}

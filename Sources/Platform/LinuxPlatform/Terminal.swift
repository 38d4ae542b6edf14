// SPDX-License-Identifier: Apache-2.0

import CLinux

/// How many rows the terminal at a descriptor has; nil when it is no terminal or does not know.
package func terminalRows(_ descriptor: Int32) -> Int? {
    let rows = Int(clinux_terminal_rows(descriptor))
    return rows > 0 ? rows : nil
}

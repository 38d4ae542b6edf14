// SPDX-License-Identifier: Apache-2.0

import CSystemd
import Glibc

/// The unit that a process belongs to (sd_pid_get_unit(3)): that of the user's own manager when there is
/// one, otherwise the system's. Nil when it belongs to none, or is not there.
package func systemdUnit(ofProcess processID: Int32) -> String? {
    var name: UnsafeMutablePointer<CChar>?
    guard sd_pid_get_user_unit(processID, &name) >= 0 || sd_pid_get_unit(processID, &name) >= 0
    else { return nil }
    defer { free(name) }
    return name.map { String(cString: $0) }
}

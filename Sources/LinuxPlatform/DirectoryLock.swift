// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A directory that one process has for itself, among those that ask for it in this way.
///
/// The lock is on the directory itself, so that nothing is left behind, and ends with the process.
package final class DirectoryLock: Sendable {
    private let directory: Descriptor

    /// - Throws: `EWOULDBLOCK` when another process holds it.
    package init(path: String) throws(SystemError) {
        directory = Descriptor(
            owning: try system("open the directory", path) {
                Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            })
        try system("lock the directory", path) { flock(directory.raw, LOCK_EX | LOCK_NB) }
    }
}

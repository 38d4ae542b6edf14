// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A file by which one process at a time has a directory for itself. It is gone with its holder,
/// and one that a killed holder left behind is taken over.
///
/// Only the holder's user can open the file, so that nobody else can keep the lock.
package final class LockFile: Sendable {
    private let path: String
    private let file: Descriptor

    /// - Throws: `EWOULDBLOCK` when another process holds it.
    package init(path: String) throws(SystemError) {
        self.path = path
        while true {
            let candidate = Descriptor(
                owning: try system("create", path) {
                    open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
                })
            try system("lock", path) { flock(candidate.raw, LOCK_EX | LOCK_NB) }
            // The holder before may have removed the file between the two calls.
            if isSame(candidate) {
                file = candidate
                return
            }
        }

        func isSame(_ candidate: Descriptor) -> Bool {
            var (held, found) = (stat(), stat())
            return fstat(candidate.raw, &held) == 0 && lstat(path, &found) == 0
                && held.st_dev == found.st_dev && held.st_ino == found.st_ino
        }
    }

    deinit { unlink(path) }
}

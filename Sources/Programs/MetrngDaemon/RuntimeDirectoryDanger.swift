// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A runtime directory in which other users can replace the daemon's sockets by their own: clients would draw bits from
/// those.
struct RuntimeDirectoryDanger: CustomStringConvertible {
    let description: String

    /// Nil when only root and this user may do so, or the directory is not there.
    init?(_ directory: String) {
        var status = stat()
        guard stat(directory, &status) == 0 else { return nil }
        // Files in a sticky directory belong to who made them.
        let isSticky = status.st_mode & mode_t(S_ISVTX) != 0
        let writers = isSticky ? 0 : status.st_mode & (S_IWGRP | S_IWOTH)
        let isForeign = status.st_uid != 0 && status.st_uid != geteuid()
        guard writers != 0 || isForeign else { return nil }
        let who = writers & S_IWOTH != 0 ? "all users" : isForeign ? "user \(status.st_uid)" : "group \(status.st_gid)"
        let remedy = isForeign ? "give it to this user" : "chmod go-w \(directory)"
        description = "\(who) may replace the sockets in \(directory), so that clients draw from others; \(remedy)"
    }
}

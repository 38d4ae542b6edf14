// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The user that the service runs as.
enum ServiceUser {
    static let name = "metrng"

    /// Goes on as that user where root runs this program, and there is such a user: what root can read says
    /// nothing of what the service can. Call it before there is any other thread.
    static func become() {
        guard geteuid() == 0, let user = getpwnam(name)?.pointee else { return }
        guard initgroups(name, user.pw_gid) == 0, setgid(user.pw_gid) == 0 else { return }
        setuid(user.pw_uid)
    }
}

// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Makes two local stream sockets that are connected with each other.
package func connectedSockets() throws(SystemError) -> (Descriptor, Descriptor) {
    var ends: [Int32] = [-1, -1]
    _ = try system("make a pair of sockets") {
        socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends)
    }
    return (Descriptor(owning: ends[0]), Descriptor(owning: ends[1]))
}

// SPDX-License-Identifier: Apache-2.0

import CLinux
import CSystemd
import Glibc
import LinuxPlatform

/// The clients of the sockets that the service manager passed, for a daemon that cannot start: one that waits
/// would have the manager start it again at once, and again, until the manager gives up the sockets, too.
///
/// To be made before `PassedSockets`. For one thread.
package struct WaitingClients {
    /// How long clients are turned away, when there are any, so that the daemon is started about once a second.
    private static let milliseconds: UInt64 = 1_000

    /// Copies: the sockets themselves have other owners.
    private let sockets: [Descriptor]

    package init() {
        let count = max(0, sd_listen_fds(0))
        sockets = (0..<count).compactMap { index in
            let copy = fcntl(SD_LISTEN_FDS_START + index, F_DUPFD_CLOEXEC, 0)
            return copy < 0 ? nil : Descriptor(owning: copy)
        }
    }

    /// Closes the connections that wait or arrive meanwhile; returns at once if there are none.
    package func turnAway() {
        guard turnAwayOnce(milliseconds: 0) else { return }
        let end = monotonicNanoseconds() + Self.milliseconds * 1_000_000
        while monotonicNanoseconds() < end {
            let left = (end - min(end, monotonicNanoseconds())) / 1_000_000
            _ = turnAwayOnce(milliseconds: Int32(left) + 1)
        }
    }

    /// - Returns: whether somebody waited.
    private func turnAwayOnce(milliseconds: Int32) -> Bool {
        var requests = sockets.map { pollfd(fd: $0.raw, events: Int16(POLLIN), revents: 0) }
        guard poll(&requests, nfds_t(requests.count), milliseconds) > 0 else { return false }
        for request in requests where request.revents & Int16(POLLIN) != 0 {
            // A socket for datagrams has no connections; what it holds is read, or it would not end.
            let client = clinux_accept(request.fd)
            if client >= 0 {
                close(client)
            } else {
                var byte: UInt8 = 0
                _ = recv(request.fd, &byte, 1, Int32(MSG_DONTWAIT))
            }
        }
        return true
    }
}

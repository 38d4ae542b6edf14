// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// An open file descriptor that is closed when its last owner lets go of it.
///
/// Any thread may use `raw` while it holds the descriptor.
package final class Descriptor: Sendable {
    package let raw: Int32
    private let closer: DescriptorCloser?

    /// Takes over `raw`; nobody else may close it.
    package convenience init(owning raw: Int32) { self.init(raw, closer: nil) }

    /// Takes over what a client gave: a descriptor that it passed, or a connection, in which some may wait that it
    /// passed. Their close may take as long as the client likes, so that a thread does it that nobody waits for.
    package convenience init(ofClient raw: Int32) { self.init(raw, closer: .shared) }

    private init(_ raw: Int32, closer: DescriptorCloser?) {
        precondition(raw >= 0)
        self.raw = raw
        self.closer = closer
    }

    deinit {
        if let closer { closer.close(raw) } else { close(raw) }
    }
}

/// The peer of a local socket, as the kernel recorded it when it connected.
package struct PeerCredentials: Sendable, Equatable {
    package let processID: Int32
    package let userID: UInt32
    package let groupID: UInt32
    /// The supplementary groups.
    package let supplementaryGroups: [UInt32]

    /// The most groups that a process can have (NGROUPS_MAX).
    private static let maximumGroups = 65536

    package init(
        processID: Int32, userID: UInt32, groupID: UInt32, supplementaryGroups: [UInt32] = []
    ) {
        self.processID = processID
        self.userID = userID
        self.groupID = groupID
        self.supplementaryGroups = supplementaryGroups
    }

    package init(of socket: Descriptor) throws(SystemError) {
        var (pid, uid, gid): (pid_t, uid_t, gid_t) = (0, 0, 0)
        try system("identify the peer") {
            clinux_peer_credentials(socket.raw, &pid, &uid, &gid)
        }
        self.init(
            processID: pid, userID: uid, groupID: gid,
            supplementaryGroups: try Self.supplementaryGroups(of: socket))
    }

    /// Whether the process was in a group, by whatever way.
    package func isInGroup(_ group: UInt32) -> Bool {
        groupID == group || supplementaryGroups.contains(group)
    }

    private static func supplementaryGroups(of socket: Descriptor) throws(SystemError) -> [UInt32] {
        // Nearly everybody fits in the first.
        for capacity in [64, maximumGroups] {
            var groups = [gid_t](repeating: 0, count: capacity)
            do {
                let count = try system("identify the peer") {
                    clinux_peer_groups(socket.raw, &groups, capacity)
                }
                return Array(groups[..<Int(count)])
            } catch  where error.code == ERANGE && capacity < maximumGroups {
                continue
            }
        }
        return []
    }
}

/// Connects to a local stream socket.
///
/// - Parameter waits: whether the descriptor blocks, and the call too while the server has as many
///   connections to accept as it lets wait. Otherwise that is the error `EAGAIN`.
package func connectUnixSocket(
    path: String, waits: Bool = true
) throws(SystemError) -> Descriptor {
    Descriptor(owning: try system("connect to", path) { clinux_unix_connect(path, waits) })
}

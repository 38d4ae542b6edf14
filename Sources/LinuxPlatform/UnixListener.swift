// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// Why a socket could not be put at a path.
package enum ListenError: Error, Equatable, CustomStringConvertible {
    /// A running program answers on the socket.
    case live(path: String)
    /// There is a file at the path that is no socket; it is left alone.
    case notASocket(path: String)
    /// The path is longer than the kernel's limit, in bytes.
    case pathTooLong(path: String, limit: Int)
    case system(SystemError)

    package var description: String {
        switch self {
        case .live(let path):
            "another program is serving \(path); stop it, or choose another directory"
        case .notASocket(let path):
            "\(path) exists and is no socket; move it away, or choose another directory"
        case .pathTooLong(let path, let limit):
            "\(path) is longer than the \(limit) bytes a socket path can have;"
                + " choose a shorter directory"
        case .system(let error):
            "\(error); check that the directory exists and may be written by this user"
        }
    }
}

/// A listening local stream socket, whose file is removed with it.
///
/// A socket file that a dead program left behind is replaced; one that answers is not touched.
package final class UnixListener: Sendable {
    package let descriptor: Descriptor
    package let path: String
    private let device: UInt64
    private let inode: UInt64

    /// - Parameters:
    ///   - mode: the permission bits of the socket file.
    ///   - backlog: how many connections the kernel holds until they are accepted.
    package init(path: String, mode: UInt32, backlog: Int32 = 512) throws(ListenError) {
        guard path.utf8.count <= clinux_unix_path_limit() else {
            throw .pathTooLong(path: path, limit: clinux_unix_path_limit())
        }
        try Self.removeStaleSocket(at: path)
        do {
            let raw = try system("listen on", path) {
                clinux_unix_listen(path, mode_t(mode), backlog)
            }
            descriptor = Descriptor(owning: raw)
            self.path = path
            var status = stat()
            try system("examine", path) { lstat(path, &status) }
            device = UInt64(status.st_dev)
            inode = UInt64(status.st_ino)
        } catch {
            throw .system(error)
        }
    }

    /// The next waiting connection, non-blocking; nil when there is none.
    package func accept() throws(SystemError) -> Descriptor? {
        do {
            return Descriptor(
                owning: try system("accept on", path) { clinux_accept(descriptor.raw) })
        } catch  where error.code == EAGAIN || error.code == ECONNABORTED {
            return nil
        }
    }

    deinit {
        // Only our own file: another daemon may have put its socket there since.
        var status = stat()
        if lstat(path, &status) == 0, UInt64(status.st_dev) == device,
            UInt64(status.st_ino) == inode
        {
            unlink(path)
        }
    }

    private static func removeStaleSocket(at path: String) throws(ListenError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else { throw .notASocket(path: path) }
        let isLive: Bool
        do {
            isLive = try answers(path)
            if !isLive { try system("remove the dead socket", path) { unlink(path) } }
        } catch {
            throw .system(error)
        }
        if isLive { throw .live(path: path) }
    }

    /// Whether a program listens on the socket.
    private static func answers(_ path: String) throws(SystemError) -> Bool {
        do {
            // Not waiting: a program that hangs and lets connections pile up is alive as well.
            _ = try connectUnixSocket(path: path, waits: false)
            return true
        } catch {
            switch error.code {
            case ECONNREFUSED: return false
            case EAGAIN: return true
            default: throw error
            }
        }
    }
}

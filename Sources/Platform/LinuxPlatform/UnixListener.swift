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
    /// What another program passed is no listening local stream socket.
    case notListening(name: String)
    case system(SystemError)

    package var description: String {
        switch self {
        case .live(let path):
            "another program is serving \(path); stop it, or choose another directory"
        case .notASocket(let path):
            "\(path) exists and is not a socket; move it away, or choose another directory"
        case .pathTooLong(let path, let limit):
            "\(path) is longer than the \(limit) bytes a socket path can have;"
                + " choose a shorter directory"
        case .notListening(let name):
            "the socket passed as \(name) is not a listening local stream socket:"
                + " use ListenStream= with a path"
        case .system(let error):
            "\(error); \(error.placeRemedy ?? "choose another directory")"
        }
    }
}

/// A listening local stream socket. The file of one that was made here is removed with it.
///
/// A socket file that a dead program left behind is replaced; one that answers is not touched.
package final class UnixListener: Sendable {
    package let descriptor: Descriptor
    package let path: String
    /// The file created here; nil for a socket passed by another program, which owns its file.
    private let file: File?

    private struct File: Equatable {
        let device: UInt64
        let inode: UInt64

        init?(_ path: String) {
            var status = stat()
            guard lstat(path, &status) == 0 else { return nil }
            device = UInt64(status.st_dev)
            inode = UInt64(status.st_ino)
        }
    }

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
            file = File(path)
        } catch {
            throw .system(error)
        }
    }

    /// Takes a socket that another program made, and whose file is that program's.
    ///
    /// - Parameter name: what it is called in messages.
    package init(adopting descriptor: Descriptor, name: String) throws(ListenError) {
        var path = [CChar](repeating: 0, count: 256)
        guard clinux_unix_adopt(descriptor.raw, &path, path.count) == 0 else {
            throw .notListening(name: name)
        }
        self.descriptor = descriptor
        self.path = String(
            decoding: path.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        file = nil
    }

    /// Has the kernel refuse descriptors to clients that send some, where it can.
    package func refuseDescriptors() { _ = clinux_refuse_descriptors(descriptor.raw) }

    /// The next waiting connection, non-blocking; nil when there is none.
    package func accept() throws(SystemError) -> Descriptor? {
        try acceptRaw().map { Descriptor(ofClient: $0) }
    }

    /// The same as a number, which the caller owns.
    func acceptRaw() throws(SystemError) -> Int32? {
        do {
            return try system("accept on", path) { clinux_accept(descriptor.raw) }
        } catch  where error.code == EAGAIN || error.code == ECONNABORTED {
            return nil
        }
    }

    deinit {
        // Only our own file: another daemon may have put its socket there since.
        if let file, File(path) == file { unlink(path) }
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

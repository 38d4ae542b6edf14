// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import LinuxPlatform

/// A socket that sends datagrams to a path, and never waits: what the receiver has no room for is left to the caller.
/// Any thread may send.
struct DatagramSender: Sendable {
    /// What became of a datagram.
    enum Outcome {
        case taken
        /// The receiver has no room for it now.
        case full
        /// It is larger than any datagram can be.
        case tooLong
        /// Nobody receives at the path.
        case failed
    }

    private let socket: Descriptor
    private let path: String

    /// - Parameter path: of the receiver's socket; with `@` first, an abstract name. Whether anybody is there shows
    ///   with each datagram.
    init(path: String) throws(SystemError) {
        socket = Descriptor(
            owning: try system("make a socket for datagrams to", path) { clinux_unix_datagram() })
        self.path = path
    }

    func send(_ bytes: [UInt8]) -> Outcome {
        let sent = bytes.withUnsafeBytes {
            clinux_unix_send_to(socket.raw, path, $0.baseAddress, $0.count)
        }
        if sent == bytes.count { return .taken }
        return switch errno {
        case EAGAIN, ENOBUFS, EINTR: .full
        case EMSGSIZE: .tooLong
        default: .failed
        }
    }
}

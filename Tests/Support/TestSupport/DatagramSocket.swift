// SPDX-License-Identifier: Apache-2.0

import Glibc
package import LinuxPlatform

/// A datagram socket at a path, as the service manager and the journal have one.
package final class DatagramSocket {
    private let socket: Descriptor
    private let path: String

    package init(path: String) throws(SystemError) {
        self.path = path
        socket = Descriptor(
            owning: try system("make a socket") {
                Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
            })
        try system("bind to", path) { withAddress { bind(socket.raw, $0, $1) } }
    }

    /// Sends `filler` to this socket until it has no room for another datagram; the number that it took.
    package func fill() throws(SystemError) -> Int {
        let sender = Descriptor(
            owning: try system("make a socket") {
                Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
            })
        try system("connect to", path) { withAddress { connect(sender.raw, $0, $1) } }
        let bytes = Array(Self.filler.utf8)
        var count = 0
        while send(sender.raw, bytes, bytes.count, Int32(MSG_DONTWAIT)) == bytes.count { count += 1 }
        return count
    }

    package static let filler = "filler"

    private func withAddress(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        return withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    /// The next datagram; nil when none comes in this time.
    package func next(milliseconds: Int32 = 0) -> String? {
        var request = pollfd(fd: socket.raw, events: Int16(POLLIN), revents: 0)
        guard poll(&request, 1, milliseconds) > 0 else { return nil }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(socket.raw, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
    }
}

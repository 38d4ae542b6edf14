// SPDX-License-Identifier: Apache-2.0

import Glibc
package import LinuxPlatform

/// A datagram socket at a path, as the service manager and the journal have one.
package final class DatagramSocket {
    private let socket: Descriptor

    package init(path: String) throws(SystemError) {
        socket = Descriptor(
            owning: try system("make a socket") {
                Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
            })
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        try system("bind to", path) {
            withUnsafePointer(to: &address) { address in
                address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(socket.raw, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
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

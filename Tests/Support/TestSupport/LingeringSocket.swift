// SPDX-License-Identifier: Apache-2.0

import Glibc
package import LinuxPlatform

/// A TCP socket with unsent data whose last close waits: what a hostile client may pass to a server.
package final class LingeringSocket {
    /// The sender; let go of it once it was passed, or its close here waits.
    package private(set) var sender: Descriptor?
    private let listener: Descriptor
    private let receiver: Descriptor

    /// - Parameter seconds: how long the close waits (SO_LINGER).
    package init(seconds: Int32) throws(SystemError) {
        let listener = try Self.socket()
        var room: Int32 = 4096
        setsockopt(listener.raw, SOL_SOCKET, SO_RCVBUF, &room, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        try Self.withAddress(&address) { bind(listener.raw, $0, $1.pointee) }
        try system("listen") { listen(listener.raw, 1) }
        try Self.withAddress(&address) { getsockname(listener.raw, $0, $1) }
        let sender = try Self.socket()
        try Self.withAddress(&address) { connect(sender.raw, $0, $1.pointee) }
        receiver = Descriptor(owning: try system("accept") { accept(listener.raw, nil, nil) })
        let bytes = [UInt8](repeating: 0, count: 65_536)
        while send(sender.raw, bytes, bytes.count, Int32(MSG_DONTWAIT)) > 0 {}
        var wait = linger(l_onoff: 1, l_linger: seconds)
        setsockopt(sender.raw, SOL_SOCKET, SO_LINGER, &wait, socklen_t(MemoryLayout<linger>.size))
        self.listener = listener
        self.sender = sender
    }

    deinit {
        // One that nobody took does not wait here.
        var wait = linger(l_onoff: 0, l_linger: 0)
        if let sender {
            setsockopt(sender.raw, SOL_SOCKET, SO_LINGER, &wait, socklen_t(MemoryLayout<linger>.size))
        }
    }

    /// Passes the socket to a local one with a byte, and lets go of it: the copy that is under way is the last one.
    ///
    /// - Returns: whether it was taken.
    package func pass(to socket: Int32, copies: Int32 = 1, by send: (Int32, Int32, Int32) -> Int) -> Bool {
        guard let sender, send(socket, sender.raw, copies) == 1 else { return false }
        self.sender = nil
        return true
    }

    private static func socket() throws(SystemError) -> Descriptor {
        Descriptor(
            owning: try system("make a socket") {
                Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            })
    }

    private static func withAddress(
        _ address: inout sockaddr_in, _ call: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) throws(SystemError) {
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutableBytes(of: &address) { bytes in
            bytes.baseAddress.map { call($0.assumingMemoryBound(to: sockaddr.self), &size) } ?? -1
        }
        try system("prepare a TCP socket") { result }
    }
}

// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// The calls by which a server accepts connections and moves bytes on them, none of which waits.
///
/// A simulation passes in faults: calls that move fewer bytes than they could, or that fail. Without any, a call
/// costs one comparison more than the system call. Any thread.
package struct SocketCalls: Sendable {
    package enum Call: Sendable {
        case accept
        case receive
        case send
    }

    /// The best outcome allowed for a call with this many bytes: `moved(n)` for at most n bytes, from 1 to the count;
    /// `wouldBlock` and `ended` for a call that is not made and reads so. A call of `accept` is of one byte; when
    /// it has `ended`, the process is out of descriptors.
    package typealias Faults = @Sendable (_ call: Call, _ count: Int) -> Transfer

    private let faults: Faults?
    private let peers: (@Sendable () -> PeerCredentials)?

    /// - Parameter peers: who is at the other end of the connections that are accepted, one after another; nil for
    ///   those who are.
    package init(
        faults: @escaping Faults = { .moved($1) }, peers: (@Sendable () -> PeerCredentials)? = nil
    ) {
        self.faults = faults
        self.peers = peers
    }

    private init() { (faults, peers) = (nil, nil) }

    /// The system calls as they are.
    package static let system = SocketCalls()

    /// The next waiting connection, non-blocking; nil when there is none. In a simulation it is closed by who lets go of
    /// it, so that what follows does not depend on another thread.
    ///
    /// - Throws: when there is no descriptor or no memory for it.
    package func accept(on listener: UnixListener) throws(SystemError) -> Descriptor? {
        switch allowance(.accept, 1) {
        case .moved:
            faults == nil ? try listener.accept() : try listener.acceptRaw().map { Descriptor(owning: $0) }
        case .wouldBlock: nil
        case .ended: throw SystemError("accept on", listener.path, code: EMFILE)
        }
    }

    /// Who is at the other end of a connection that was accepted.
    func peer(of connection: Descriptor) throws(SystemError) -> PeerCredentials {
        if let peers { return peers() }
        return try PeerCredentials(of: connection)
    }

    /// Whether the client of a connection that was accepted has closed it, and left nothing behind.
    func hasGone(_ connection: Descriptor) -> Bool {
        var byte: UInt8 = 0
        return recv(connection.raw, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT)) == 0
    }

    /// Receives bytes. Descriptors that come with them are closed, and nobody waits for that.
    ///
    /// - Parameter buffer: room for at least one byte.
    package func receive(
        into buffer: UnsafeMutableRawBufferPointer, from socket: Descriptor
    ) -> Transfer {
        let allowance = allowance(.receive, buffer.count)
        guard case .moved(let count) = allowance else { return allowance }
        let room = UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
        return LinuxPlatform.receive(into: room, from: socket) { DescriptorCloser.shared.close($0) }
    }

    /// Sends two pieces of memory as one message, without a copy. Either may be empty, not both.
    ///
    /// - Returns: how many bytes of the two together were taken.
    package func send(
        _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, to socket: Descriptor
    ) -> Transfer {
        let allowance = allowance(.send, first.count + second.count)
        guard case .moved(let count) = allowance else { return allowance }
        let firstCount = min(first.count, count)
        return transfer {
            clinux_send_two(
                socket.raw, first.baseAddress, firstCount, second.baseAddress, count - firstCount)
        }
    }

    private func allowance(_ call: Call, _ count: Int) -> Transfer {
        guard let faults else { return .moved(count) }
        let allowance = faults(call, count)
        if case .moved(let allowed) = allowance {
            precondition((1...count).contains(allowed), "\(allowed) of \(count) bytes may move")
        }
        return allowance
    }
}

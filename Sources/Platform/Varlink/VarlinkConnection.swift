// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform

/// One client of a server: its socket and its session. For the server's thread only.
final class VarlinkConnection: LocalConnection {
    /// What a transfer left behind.
    enum Fate {
        case open
        /// The connection is of no use any more.
        case closed
    }

    let socket: AcceptedSocket
    var session: VarlinkSession

    init(_ socket: AcceptedSocket, requestLimit: Int) {
        self.socket = socket
        session = VarlinkSession(requestLimit: requestLimit)
    }

    /// What the poll should watch it for.
    var wantedInterest: EventPoll.Interest {
        var interest: EventPoll.Interest = []
        if session.wantsInput { interest.insert(.readable) }
        if !session.output.isEmpty { interest.insert(.writable) }
        return interest
    }

    var isIdle: Bool {
        guard session.isIdle else { return false }
        var byte: UInt8 = 0
        // A client that has gone, which was not noticed yet, may have left a call behind.
        if case .moved = transfer({ recv(socket.descriptor.raw, &byte, 1, Int32(MSG_PEEK)) }) {
            return false
        }
        return true
    }

    /// Reads once, at most the size of `buffer`.
    func receive(using buffer: UnsafeMutableRawBufferPointer) {
        let received = LinuxPlatform.receive(into: buffer, from: socket.descriptor)
        switch received.transfer {
        case .moved(let count): session.received(buffer[..<count], with: received.descriptor)
        case .wouldBlock: break
        case .ended: session.receivedEnd()
        }
    }

    /// Sends what waits, as far as the socket takes it.
    func send() -> Fate {
        while !session.output.isEmpty {
            let passed = session.outgoingDescriptor
            let sent = session.output.withUnsafeBytes { bytes in
                if let passed { return LinuxPlatform.send(bytes, with: passed, to: socket.descriptor) }
                return transfer {
                    Glibc.send(
                        socket.descriptor.raw, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL)
                    )
                }
            }
            switch sent {
            case .moved(let count): session.sent(count)
            case .wouldBlock: return .open
            case .ended: return .closed
            }
        }
        return .open
    }
}

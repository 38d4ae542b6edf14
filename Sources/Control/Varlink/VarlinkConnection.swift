// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform

/// One client of a server: its socket and its session. For the server's thread only.
final class VarlinkConnection {
    /// What a transfer left behind.
    enum Fate {
        case open
        /// The connection is of no use any more.
        case closed
    }

    let descriptor: Descriptor
    let peer: PeerCredentials
    /// Its name in the poll, never used twice.
    let token: UInt64
    var session: VarlinkSession
    /// When it last had nothing under way, in monotonic nanoseconds.
    var idleSince: UInt64
    /// What the poll watches it for.
    var interest: EventPoll.Interest = .readable

    init(
        _ descriptor: Descriptor, token: UInt64, requestLimit: Int, now: UInt64
    ) throws(SystemError) {
        peer = try PeerCredentials(of: descriptor)
        self.descriptor = descriptor
        self.token = token
        session = VarlinkSession(requestLimit: requestLimit)
        idleSince = now
    }

    /// What the poll should watch it for.
    var wantedInterest: EventPoll.Interest {
        var interest: EventPoll.Interest = []
        if session.wantsInput { interest.insert(.readable) }
        if !session.output.isEmpty { interest.insert(.writable) }
        return interest
    }

    /// Whether closing takes nothing from the client: no call is under way, nor waits unread.
    var isIdle: Bool {
        guard session.isIdle else { return false }
        var byte: UInt8 = 0
        // Also of who has gone and was not noticed yet.
        if case .moved = transfer({ recv(descriptor.raw, &byte, 1, Int32(MSG_PEEK)) }) {
            return false
        }
        return true
    }

    /// Reads once, at most the size of `buffer`.
    func receive(using buffer: UnsafeMutableRawBufferPointer) {
        let received = LinuxPlatform.receive(into: buffer, from: descriptor)
        switch received.transfer {
        case .moved(let count): session.received(buffer[..<count], with: received.descriptor)
        case .wouldBlock: break
        case .ended: session.receivedEnd()
        }
    }

    /// Sends what waits, as far as the socket takes it.
    func send() -> Fate {
        while !session.output.isEmpty {
            let sent = session.output.withUnsafeBytes { bytes in
                transfer {
                    Glibc.send(
                        descriptor.raw, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL)
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

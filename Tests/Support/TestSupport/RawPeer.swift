// SPDX-License-Identifier: Apache-2.0

import CTestSupport
import Glibc
package import LinuxPlatform

/// The end of a connection that a test moves byte by byte. Waits at most a minute for anything.
package final class RawPeer {
    private let descriptor: Descriptor
    private var received: [UInt8] = []

    package init(path: String) throws {
        descriptor = try connectUnixSocket(path: path)
    }

    /// Sends bytes as they are; whether the other end took them all.
    @discardableResult
    package func send(_ bytes: some Sequence<UInt8>) -> Bool {
        var rest = Array(bytes)[...]
        while !rest.isEmpty {
            let sent = rest.withUnsafeBytes { bytes in
                transfer {
                    Glibc.send(
                        descriptor.raw, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
                }
            }
            guard case .moved(let count) = sent else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// Sends bytes, in one piece, with copies of a descriptor; whether the other end took them
    /// all.
    @discardableResult
    package func send(_ bytes: [UInt8], with passed: Descriptor, copies: Int32 = 1) -> Bool {
        ctestsupport_send_copies(descriptor.raw, bytes, bytes.count, passed.raw, copies)
            == bytes.count
    }

    /// Sends messages, each with the NUL that ends it, in one piece.
    @discardableResult
    package func send(_ messages: String...) -> Bool {
        send(messages.flatMap { Array($0.utf8) + [0] })
    }

    /// Says that nothing more will be sent.
    package func endSending() {
        shutdown(descriptor.raw, Int32(SHUT_WR))
    }

    /// The next message; nil when the other end has closed, or a minute has passed.
    package func receive() -> String? {
        while true {
            if let end = received.firstIndex(of: 0) {
                let message = String(decoding: received[..<end], as: UTF8.self)
                received.removeFirst(end + 1)
                return message
            }
            var request = pollfd(fd: descriptor.raw, events: Int16(POLLIN), revents: 0)
            guard poll(&request, 1, 60_000) > 0 else { return nil }
            var chunk = [UInt8](repeating: 0, count: 65_536)
            let transferred = transfer { recv(descriptor.raw, &chunk, chunk.count, 0) }
            guard case .moved(let count) = transferred else { return nil }
            received += chunk[..<count]
        }
    }

    /// Whether the other end closes before it says anything. Waits for that.
    package func isClosedInSilence() -> Bool {
        var request = pollfd(fd: descriptor.raw, events: Int16(POLLIN), revents: 0)
        guard received.isEmpty, poll(&request, 1, 60_000) > 0 else { return false }
        var byte: UInt8 = 0
        return transfer { recv(descriptor.raw, &byte, 1, 0) } == .ended
    }
}

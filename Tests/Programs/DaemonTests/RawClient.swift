// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import LinuxPlatform

/// A connection that says whatever a test wants it to.
final class RawClient {
    private let socket: Descriptor

    var raw: Int32 { socket.raw }

    init(_ path: String) throws { socket = try connectUnixSocket(path: path) }

    /// Sends until all went out or the peer closed.
    ///
    /// - Returns: whether all went out.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let result = transfer {
                rest.withUnsafeBytes {
                    Glibc.send(socket.raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
            }
            guard case .moved(let count) = result else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// Ends the connection in both directions.
    func hangUp() { shutdown(socket.raw, Int32(SHUT_RDWR)) }

    /// The next bytes; empty when the peer closed, or said nothing for as long as tests wait.
    func receive(atMost limit: Int) -> [UInt8] {
        var request = pollfd(fd: socket.raw, events: Int16(POLLIN), revents: 0)
        guard poll(&request, 1, patience) == 1 else { return [] }
        var bytes = [UInt8](repeating: 0, count: limit)
        guard case .moved(let count) = transfer({ recv(socket.raw, &bytes, limit, 0) })
        else { return [] }
        return Array(bytes.prefix(count))
    }

    /// Receives `count` bytes; fewer when the peer closed, or sent nothing for as long as tests wait.
    func receive(count: Int) -> [UInt8] {
        var all: [UInt8] = []
        while all.count < count {
            let bytes = receive(atMost: count - all.count)
            if bytes.isEmpty { break }
            all += bytes
        }
        return all
    }

    /// Everything until the peer closes.
    func receiveAll() -> [UInt8] {
        var all: [UInt8] = []
        while true {
            let bytes = receive(atMost: 65536)
            if bytes.isEmpty { return all }
            all += bytes
        }
    }
}

/// READ of grade `full`, as protocols.md lays it out.
func readRequest(length: UInt32, grade: UInt8 = 1, flags: UInt8 = 0) -> [UInt8] {
    [1, 1, grade, flags] + (0..<4).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
        + [UInt8](repeating: 0, count: 8)
}

// SPDX-License-Identifier: Apache-2.0

package import EntropyProtocol
import Glibc
package import LinuxPlatform
import TestSupport
import TestSupport

/// One end of a local socket, for tests that send and expect exact bytes.
///
/// Every wait ends after the patience of the tests, with an error. Any thread, one at a time.
package final class RawClient: Sendable {
    /// Something that should have come did not.
    package struct TimeOut: Error {}

    private let socket: Descriptor

    /// Connects to a listener.
    package convenience init(path: String) throws(SystemError) {
        self.init(try connectUnixSocket(path: path))
    }

    /// Takes over one end of a connection.
    package init(_ socket: Descriptor) {
        self.socket = socket
        var limit = timeval(tv_sec: Int(patience) / 1000, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(socket.raw, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        setsockopt(socket.raw, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
    }

    /// Sends bytes.
    ///
    /// - Returns: whether all of them were taken; otherwise the other end is closed.
    @discardableResult
    package func send(_ bytes: [UInt8]) throws -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(socket.raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EAGAIN { throw TimeOut() }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    @discardableResult
    package func send(_ requests: EntropyRequest...) throws -> Bool {
        try send(requests.flatMap(\.bytes))
    }

    /// The next `count` bytes; fewer when the other end is closed before.
    package func receive(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let result = bytes.withUnsafeMutableBytes {
                recv(socket.raw, $0.baseAddress.map { $0 + filled }, count - filled, 0)
            }
            if result < 0, errno == EAGAIN { throw TimeOut() }
            guard result > 0 else { break }
            filled += result
        }
        return Array(bytes[..<filled])
    }

    /// The next reply with its bytes; nil when the other end is closed before.
    package func receiveReply() throws -> (header: EntropyReply, bytes: [UInt8])? {
        let header = try receive(EntropyReply.byteCount)
        guard header.count == EntropyReply.byteCount, let reply = EntropyReply(header) else {
            return nil
        }
        return (reply, try receive(Int(reply.length)))
    }

    /// Sends a request and takes its reply.
    package func ask(
        _ request: EntropyRequest
    ) throws -> (header: EntropyReply, bytes: [UInt8])? {
        try send(request)
        return try receiveReply()
    }

    /// How many bytes there are to receive now, counted up to `limit`.
    package func inputCount(limit: Int) -> Int {
        var bytes = [UInt8](repeating: 0, count: limit)
        return max(0, recv(socket.raw, &bytes, limit, Int32(MSG_DONTWAIT) | Int32(MSG_PEEK)))
    }

    /// Throws away what comes, until `isDone`.
    package func drain(until isDone: () -> Bool) {
        while !isDone() { if drain() == 0 { usleep(100) } }
    }

    /// Throws away what has come until now.
    ///
    /// - Returns: how many bytes that was.
    @discardableResult
    package func drain() -> Int {
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        var total = 0
        while true {
            let count = recv(socket.raw, &bytes, bytes.count, Int32(MSG_DONTWAIT))
            guard count > 0 else { return total }
            total += count
        }
    }

    /// Waits for the other end to close.
    ///
    /// - Returns: whether nothing came before that.
    package func isEnded() throws -> Bool { try receive(1).isEmpty }

    /// Whether there is something to receive now: bytes, or the end.
    package var hasInput: Bool {
        var request = pollfd(fd: socket.raw, events: Int16(POLLIN), revents: 0)
        return poll(&request, 1, 0) > 0
    }

    /// Says that nothing more will be sent.
    package func finishSending() { shutdown(socket.raw, Int32(SHUT_WR)) }

    /// Goes without reading what came, as a program that is killed does.
    package func die() { shutdown(socket.raw, Int32(SHUT_RDWR)) }
}

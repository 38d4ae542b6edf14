// SPDX-License-Identifier: Apache-2.0

import BoardOperations
import ControlInterface
import Glibc
import LeaseProtocol
import LinuxPlatform
import TestSupport
import Testing

/// A client that has a lease: sends commands, and waits for the answers.
final class LeaseClient {
    let reply: LeaseLanes.Reply
    private let socket: Descriptor
    private var nextTag: UInt64 = 1

    init(_ operation: LeaseLanes, on board: String? = nil, at directory: SocketDirectory) throws {
        let control = try ControlClient(path: directory.control)
        reply = try control.perform(operation, on: board)
        socket = try #require(reply.socket).descriptor
    }

    var words: Int { (reply.lanes.count + 63) / 64 }

    /// Has a command done.
    ///
    /// - Returns: the states of a read.
    @discardableResult
    func perform(_ command: LeaseCommand) throws -> [UInt64] {
        let (status, states) = try send(command)
        #expect(status == .ok, "\(command.operation)")
        return states
    }

    /// Sends a command, and waits for what comes of it.
    func send(_ command: LeaseCommand) throws -> (LeaseReply.Status, [UInt64]) {
        let bytes = command.bytes(tag: nextTag)
        nextTag += 1
        try #require(Glibc.send(socket.raw, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count)
        let (status, states, tag) = try receive()
        #expect(tag == nextTag - 1 || tag == 0)
        return (status, states)
    }

    /// Waits for an answer, or the end of the lease.
    func receive() throws -> (LeaseReply.Status, [UInt64], tag: UInt64) {
        let header = try #require(LeaseHeader(parsing: try receive(LeaseHeader.byteCount)))
        let body = try receive(header.length)
        let words = stride(from: 0, to: body.count, by: 8).map { start in
            (0..<8).reduce(UInt64(0)) { $0 | UInt64(body[start + $1]) << UInt64(8 * $1) }
        }
        return (try #require(LeaseReply.Status(rawValue: header.code)), words, header.tag)
    }

    private func receive(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        guard count > 0 else { return [] }
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(socket.raw, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        try #require(recv(socket.raw, &bytes, count, Int32(MSG_WAITALL)) == count, "the socket gives no more")
        return bytes
    }

    /// Hangs up.
    func end() { shutdown(socket.raw, Int32(SHUT_RDWR)) }
}

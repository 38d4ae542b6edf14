// SPDX-License-Identifier: Apache-2.0

import Glibc
package import LinuxPlatform

/// Why a call got no good reply.
package enum VarlinkClientError: Error, Equatable {
    /// Nobody listens at the path.
    case unreachable(SystemError)
    /// This user may not connect.
    case notPermitted(SystemError)
    /// The service closed the connection before it replied.
    case disconnected
    /// No reply came within this many milliseconds.
    case timedOut(milliseconds: Int)
    /// The service answered with an error.
    case remote(VarlinkError)
    /// What came is no reply to the call, for the reason given.
    case badReply(JSONError)
    /// A reply is longer than this many bytes.
    case replyTooLong(limit: Int)
    /// The parameters of the call have no JSON text.
    case badParameters(JSONError)
}

/// A connection to a Varlink service that waits for its replies. For one thread at a time.
///
/// After any error but `remote` and `badParameters` it is closed, since a late reply would pass for
/// that of a later call; further calls throw `disconnected`.
package final class VarlinkClient {
    /// Whether a caller of `stream` wants the next reply.
    package enum Decision: Sendable {
        case proceed
        case stop
    }

    package static let defaultTimeoutMilliseconds = 10_000
    /// In bytes.
    package static let replyLimit = 16_777_216

    private var socket: ClientSocket?

    /// Connects, and waits for as long as the service's queue of connections is full.
    ///
    /// - Throws: `unreachable` or `notPermitted`.
    package init(path: String) throws(VarlinkClientError) {
        do {
            socket = ClientSocket(try connectUnixSocket(path: path), replyLimit: Self.replyLimit)
        } catch  where error.code == EACCES || error.code == EPERM {
            throw .notPermitted(error)
        } catch {
            throw .unreachable(error)
        }
    }

    /// Calls a method and waits for its reply.
    ///
    /// - Parameters:
    ///   - method: with its interface in front.
    ///   - parameters: has to encode as an object.
    ///   - descriptor: what is passed with the call; the service gets a copy.
    ///   - timeoutMilliseconds: how long to wait for the reply.
    package func call<Reply: Decodable>(
        _ method: String, _ parameters: some Encodable = JSONValue.object([:]),
        returning type: Reply.Type, descriptor: Descriptor? = nil,
        timeoutMilliseconds: Int = defaultTimeoutMilliseconds
    ) throws(VarlinkClientError) -> Reply {
        let request = try frame(parameters, of: method, more: false)
        return try exchange { socket throws(VarlinkClientError) in
            let deadline = Deadline(milliseconds: timeoutMilliseconds)
            try socket.send(request, with: descriptor, by: deadline)
            return try socket.receive(type, by: deadline).parameters
        }
    }

    /// The descriptor that came with the last reply; nil when there was none, and the second time.
    package func takePassed() -> Descriptor? { socket?.takePassed() }

    /// Calls a method that gives several replies, until there are no more or `onReply` wants none.
    /// In the latter case the connection is closed: Varlink has no other way to end a stream.
    ///
    /// - Parameters:
    ///   - descriptor: what is passed with the call; the service gets a copy.
    ///   - timeoutMilliseconds: how long to wait for each reply.
    /// - Returns: whether the last reply came.
    @discardableResult
    package func stream<Reply: Decodable>(
        _ method: String, _ parameters: some Encodable = JSONValue.object([:]),
        returning type: Reply.Type, descriptor: Descriptor? = nil,
        timeoutMilliseconds: Int = defaultTimeoutMilliseconds,
        onReply: (Reply) -> Decision
    ) throws(VarlinkClientError) -> Bool {
        let request = try frame(parameters, of: method, more: true)
        let isOver = try exchange { socket throws(VarlinkClientError) in
            try socket.send(
                request, with: descriptor, by: Deadline(milliseconds: timeoutMilliseconds))
            while true {
                let reply = try socket.receive(
                    type, by: Deadline(milliseconds: timeoutMilliseconds))
                let decision = onReply(reply.parameters)
                if !reply.continues { return true }
                if decision == .stop { return false }
            }
        }
        if !isOver { socket = nil }
        return isOver
    }

    /// Calls a method without wanting a reply.
    package func send(
        _ method: String, _ parameters: some Encodable = JSONValue.object([:]),
        timeoutMilliseconds: Int = defaultTimeoutMilliseconds
    ) throws(VarlinkClientError) {
        let request = try frame(parameters, of: method, oneway: true)
        try exchange { socket throws(VarlinkClientError) in
            try socket.send(request, by: Deadline(milliseconds: timeoutMilliseconds))
        }
    }

    private func frame(
        _ parameters: some Encodable, of method: String, more: Bool = false, oneway: Bool = false
    ) throws(VarlinkClientError) -> [UInt8] {
        do {
            return try Varlink.frame(
                OutgoingCall(method: method, parameters: parameters, oneway: oneway, more: more))
        } catch {
            throw .badParameters(error.inParameters)
        }
    }

    /// Lets `body` talk, and closes the connection when what follows on it could not be trusted.
    private func exchange<Result>(
        _ body: (ClientSocket) throws(VarlinkClientError) -> Result
    ) throws(VarlinkClientError) -> Result {
        guard let socket else { throw .disconnected }
        do {
            return try body(socket)
        } catch {
            if case .remote = error { throw error }
            self.socket = nil
            throw error
        }
    }
}

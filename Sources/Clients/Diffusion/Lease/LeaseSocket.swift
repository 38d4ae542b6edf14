// SPDX-License-Identifier: Apache-2.0

import Glibc
import LeaseProtocol
import LinuxPlatform

/// The client's end of the socket of a lease: commands out, replies in, in the same order.
///
/// Commands are collected and sent together. At most `LeaseLimits.unanswered` wait for their replies. After an error,
/// every call throws that error again.
final class LeaseSocket {
    /// How many commands are collected at most before they are sent.
    private static let collected = 32
    /// How long the daemon may take for a reply, in milliseconds.
    private static let patience = 30_000

    private struct Waiting {
        let tag: UInt64
        let operation: LeaseCommand.Operation
    }

    private let lanes: Int
    private var socket: Descriptor?
    private var end: ArrayError?
    private var outbox: [UInt8] = []
    private var outboxCount = 0
    private var inbox: [UInt8] = []
    /// Commands without a reply, the oldest first; those in the outbox are the last of them.
    private var waiting: [Waiting] = []
    private var lastTag: UInt64 = 0

    init(_ socket: Descriptor, lanes: Int) {
        self.socket = socket
        self.lanes = lanes
    }

    /// Closes the socket; every later call throws `error`.
    func close(_ error: ArrayError) {
        if end == nil { end = error }
        socket = nil
    }

    /// Sends a command some time before the next `exchange`. May throw the error of an earlier one.
    func post(_ command: LeaseCommand) throws(ArrayError) {
        try check()
        while waiting.count >= LeaseLimits.unanswered { _ = try receive() }
        lastTag += 1
        waiting.append(Waiting(tag: lastTag, operation: command.operation))
        outbox += command.bytes(tag: lastTag)
        outboxCount += 1
        if outboxCount >= Self.collected { try flush() }
    }

    /// Sends a command, and waits for the replies to it and to all before it.
    ///
    /// - Returns: nil when the value is out of range.
    func exchange(_ command: LeaseCommand) throws(ArrayError) -> LeaseReply? {
        try post(command)
        let tag = lastTag
        while true {
            let (reply, operation) = try receive()
            if reply.status == .outOfRange {
                guard reply.tag == tag else {
                    throw failed(.protocolViolation("it refused the values of a \(operation)"))
                }
                return nil
            }
            if reply.tag == tag { return reply }
        }
    }

    private func check() throws(ArrayError) {
        if let end { throw end }
    }

    private func failed(_ error: ArrayError) -> ArrayError {
        close(error)
        return error
    }

    // MARK: Sending

    private func flush() throws(ArrayError) {
        var rest = outbox[...]
        outbox = []
        outboxCount = 0
        while !rest.isEmpty {
            guard let socket else { throw failed(.disconnected) }
            let sent = rest.withUnsafeBytes { bytes in
                transfer { send(socket.raw, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT)) }
            }
            switch sent {
            case .moved(let count): rest = rest.dropFirst(count)
            // Replies are taken meanwhile, so that the daemon need not wait for room for them.
            case .wouldBlock: try wait(for: Int16(POLLIN | POLLOUT)) { ready in ready & Int16(POLLIN) != 0 }
            case .ended: throw lastWord()
            }
        }
    }

    /// The error of a socket on which nothing can be sent: the daemon's reason, if it gave one.
    private func lastWord() -> ArrayError {
        do {
            while true { _ = try receive() }
        } catch {
            return error
        }
    }

    // MARK: Receiving

    /// The next reply. Throws when it ends the lease.
    private func receive() throws(ArrayError) -> (reply: LeaseReply, operation: LeaseCommand.Operation) {
        if !outbox.isEmpty { try flush() }
        while true {
            if let found = try parse() { return found }
            try wait(for: Int16(POLLIN)) { _ in true }
        }
    }

    /// Takes a whole reply from the inbox; nil when there is none yet.
    private func parse() throws(ArrayError) -> (reply: LeaseReply, operation: LeaseCommand.Operation)? {
        guard inbox.count >= LeaseHeader.byteCount else { return nil }
        guard let header = LeaseHeader(parsing: inbox[..<LeaseHeader.byteCount]),
            let status = LeaseReply.Status(rawValue: header.code)
        else { throw failed(.protocolViolation("a reply has an invalid header")) }
        if status.endsLease { throw failed(ArrayError(status)) }
        guard let oldest = waiting.first, oldest.tag == header.tag else {
            throw failed(.protocolViolation("a reply belongs to no request"))
        }
        let length = status == .ok ? oldest.operation.replyLength(lanes: lanes) : 0
        guard header.length == length else {
            throw failed(.protocolViolation("a reply has \(header.length) bytes in place of \(length)"))
        }
        let whole = LeaseHeader.byteCount + length
        guard inbox.count >= whole else { return nil }
        let states = stride(from: LeaseHeader.byteCount, to: whole, by: 8).map { start in
            (0..<8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64(inbox[start + $1]) }
        }
        inbox.removeFirst(whole)
        waiting.removeFirst()
        return (LeaseReply(status, states: states, tag: header.tag), oldest.operation)
    }

    /// Waits until the socket is ready, and receives what there is if `takes` wants it.
    private func wait(for events: Int16, _ takes: (Int16) -> Bool) throws(ArrayError) {
        guard let socket else { throw failed(.disconnected) }
        var request = pollfd(fd: socket.raw, events: events, revents: 0)
        let begin = monotonicNanoseconds()
        while poll(&request, 1, Int32(Self.patience)) <= 0 {
            // A signal ends the wait early.
            guard monotonicNanoseconds() - begin < UInt64(Self.patience) * 1_000_000 else {
                throw failed(.timedOut(seconds: Self.patience / 1_000))
            }
        }
        guard takes(request.revents) else { return }
        let received = withUnsafeTemporaryAllocation(byteCount: 1 << 14, alignment: 8) { buffer in
            let received = transfer { recv(socket.raw, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT)) }
            if case .moved(let count) = received { inbox += buffer[..<count] }
            return received
        }
        if received == .ended { throw failed(.disconnected) }
    }
}

extension ArrayError {
    init(_ status: LeaseReply.Status) {
        self =
            switch status {
            case .expired: .expired
            case .boardGone: .boardGone
            case .shuttingDown: .shuttingDown
            case .lanesLost: .lanesLost
            case .ok, .badRequest, .outOfRange: .protocolViolation("it refused a request as malformed")
            }
    }
}

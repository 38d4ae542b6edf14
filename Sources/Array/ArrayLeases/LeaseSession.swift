// SPDX-License-Identifier: Apache-2.0

package import LeaseProtocol

/// The dialogue on the socket of a lease, without any input or output: bytes and results in, commands and bytes out.
///
/// Replies come in the order of the requests. What the client sends beyond `LeaseLimits.unanswered` requests is not
/// asked for, so that a session holds at most that many answers.
package struct LeaseSession {
    private let lanes: Int
    private var inbox: [UInt8] = []
    /// The tags of the commands that have no result yet.
    private var unanswered: [UInt64] = []
    /// Bytes for the client.
    package private(set) var outbox: [UInt8] = []
    /// The tag of a request that is none: it ends the session once all before it are answered.
    private var badRequest: UInt64?
    /// Whether nothing is sent any more after what is in the outbox.
    package private(set) var isOver = false

    /// - Parameter lanes: the number of lanes of the lease.
    package init(lanes: Int) { self.lanes = lanes }

    /// Whether bytes of the client are welcome.
    package var wantsInput: Bool {
        !isOver && badRequest == nil && unanswered.count < LeaseLimits.unanswered
            && outbox.count < LeaseHeader.byteCount * LeaseLimits.unanswered
    }

    /// Takes bytes of the client.
    ///
    /// - Returns: the commands that they complete.
    package mutating func received(_ bytes: some Collection<UInt8>) -> [LeaseCommand] {
        inbox += bytes
        var commands: [LeaseCommand] = []
        while badRequest == nil, unanswered.count < LeaseLimits.unanswered, let command = nextCommand() {
            commands.append(command)
        }
        endIfBad()
        return commands
    }

    /// The commands that were received and not taken, because too many were unanswered.
    package mutating func resume() -> [LeaseCommand] { received([]) }

    private mutating func nextCommand() -> LeaseCommand? {
        guard inbox.count >= LeaseHeader.byteCount else { return nil }
        let start = inbox[..<LeaseHeader.byteCount]
        guard let header = LeaseHeader(parsing: start),
            let operation = LeaseCommand.Operation(rawValue: header.code),
            header.length == operation.bodyLength(lanes: lanes)
        else {
            badRequest = LeaseHeader(parsing: start)?.tag ?? 0
            return nil
        }
        let total = LeaseHeader.byteCount + header.length
        guard inbox.count >= total else { return nil }
        let body = Array(inbox[LeaseHeader.byteCount..<total])
        guard let command = try? LeaseCommand(operation, parsing: body) else {
            badRequest = header.tag
            return nil
        }
        inbox.removeFirst(total)
        unanswered.append(header.tag)
        return command
    }

    /// Takes the result of the oldest command without one.
    package mutating func answer(_ result: LeaseResult) {
        precondition(!unanswered.isEmpty, "a result is that of a command")
        let tag = unanswered.removeFirst()
        switch result {
        case .done(let states): outbox += LeaseReply(.ok, states: states, tag: tag).bytes
        case .outOfRange: outbox += LeaseReply(.outOfRange, tag: tag).bytes
        }
        endIfBad()
    }

    private mutating func endIfBad() {
        guard let tag = badRequest, unanswered.isEmpty else { return }
        end(.badRequest, tag: tag)
    }

    /// Ends the session: every command without a result is answered so, or the client is told unasked.
    package mutating func end(_ reason: LeaseReply.Status, tag: UInt64 = 0) {
        guard !isOver else { return }
        for tag in unanswered.isEmpty ? [tag] : unanswered { outbox += LeaseReply(reason, tag: tag).bytes }
        unanswered = []
        isOver = true
    }

    package mutating func sent(_ count: Int) { outbox.removeFirst(count) }
}

// SPDX-License-Identifier: Apache-2.0

package import EntropyProtocol
package import EntropyTerms

/// The life of one connection, without the connection: events in, actions out.
///
/// A session has at most one request in hand. What a client pipelines behind it stays in the kernel
/// until the request is answered, so that a client costs the server a fixed amount of memory. Only the
/// text that answers INFO is allocated. An event that the state does not allow is a programming error.
package struct EntropySession {
    /// Where a session stands.
    package enum State: Equatable {
        /// Between requests; fewer bytes than a request are there.
        case listening
        /// A READ waits for a source that has bits for it; no byte of its answer was sent.
        case seeking(EntropyRequest)
        /// An INFO waits for its text.
        case informing(EntropyRequest)
        /// The header of an answer, and then the bits of a draw, are being sent.
        case delivering(Draw)
        /// A header and perhaps a text are being sent, and then the next request is taken up.
        case replying
        /// The last header is being sent, and then the connection is closed.
        case parting
        /// Nothing is received or sent any more.
        case closed
    }

    /// What the server has to do next for a session.
    package enum Action: Equatable {
        /// Read from the connection, and call `received`.
        case receive
        /// Ask the dispenser for a draw, and call `begin` or `refuse` when that is decided.
        case seek(BitRequest)
        /// Call `answer(info:)`.
        case inform
        /// Send what is unsent, and then bits of the draw, and call `sent`.
        case deliver(Draw)
        /// Send what is unsent, and call `sent`.
        case reply
        /// Close the connection.
        case close
    }

    package private(set) var state = State.listening
    private var inbox = Inbox()
    private var outbox = Outbox()

    package init() {}

    /// How many bytes the session takes at once.
    package static let inboxLimit = Inbox.capacity

    /// How many more bytes the session takes now.
    package var inboxRoom: Int { Inbox.capacity - inbox.count }

    /// Whether no request is in hand.
    package var isListening: Bool {
        if case .listening = state { true } else { false }
    }

    /// What to do next.
    package var action: Action {
        switch state {
        case .listening: .receive
        case .seeking(let request): .seek(BitRequest(request))
        case .informing: .inform
        case .delivering(let draw): .deliver(draw)
        case .replying, .parting: .reply
        case .closed: .close
        }
    }

    // MARK: Bytes

    /// How many bytes of header and text are still to be sent.
    package var unsentCount: Int { outbox.count }

    /// Lends the bytes of header and text that are still to be sent; either may be empty.
    package func withUnsent<Result>(
        _ body: (_ header: UnsafeRawBufferPointer, _ text: UnsafeRawBufferPointer) -> Result
    ) -> Result {
        outbox.withBytes(body)
    }

    /// Takes bytes that have arrived, at most `inboxRoom`.
    package mutating func received(_ bytes: UnsafeRawBufferPointer) {
        guard isListening else { illegal("received") }
        inbox.append(bytes)
        takeUpRequest()
    }

    /// Counts bytes as sent: first those of header and text, then bits.
    package mutating func sent(_ count: Int) {
        let rest = outbox.remove(count)
        switch state {
        case .delivering(var draw):
            draw.take(rest)
            state = .delivering(draw)
            if draw.remaining == 0 { listen() }
        case .replying:
            precondition(rest == 0, "no bits were to be sent")
            if outbox.count == 0 { listen() }
        case .parting:
            precondition(rest == 0, "no bits were to be sent")
            if outbox.count == 0 { state = .closed }
        case .listening, .seeking, .informing, .closed: illegal("sent")
        }
    }

    // MARK: Answers

    /// Begins the answer of the READ in hand, whose request was granted.
    package mutating func begin(_ draw: Draw, provenance: Provenance, healthEpoch: UInt32) {
        guard case .seeking(let request) = state else { illegal("begin") }
        precondition(draw.grade == request.grade && draw.remaining == Int(request.length))
        outbox.put(
            EntropyReply(
                status: .ok, provenance: provenance, grade: request.grade, length: request.length,
                tag: request.tag, healthEpoch: healthEpoch))
        state = .delivering(draw)
    }

    /// Answers the READ in hand with a status and no bytes.
    package mutating func refuse(_ status: EntropyReply.Status) {
        guard case .seeking(let request) = state else { illegal("refuse") }
        outbox.put(.refusal(status, grade: request.grade, tag: request.tag))
        state = .replying
    }

    /// Answers the INFO in hand with a JSON object.
    package mutating func answer(info: [UInt8], provenance: Provenance, healthEpoch: UInt32) {
        guard case .informing(let request) = state else { illegal("answer") }
        outbox.put(
            EntropyReply(
                status: .ok, provenance: provenance, grade: request.grade,
                length: UInt32(info.count), tag: request.tag, healthEpoch: healthEpoch),
            text: info)
        state = .replying
    }

    // MARK: Ends

    /// The peer has closed, or the connection broke. Legal in every state.
    package mutating func disconnected() { state = .closed }

    /// The server stops: a client that waits for an answer is told so, and all others, also one whose answer has
    /// begun, see the end. Legal in every state.
    package mutating func shutDown() {
        switch state {
        case .seeking(let request), .informing(let request):
            outbox.put(.refusal(.shuttingDown, grade: request.grade, tag: request.tag))
            state = .parting
        case .listening, .delivering, .replying, .parting, .closed: state = .closed
        }
    }

    // MARK: Requests

    private mutating func listen() {
        precondition(outbox.count == 0, "an answer has been sent")
        state = .listening
        takeUpRequest()
    }

    /// Takes up the next request, if all of it is there.
    private mutating func takeUpRequest() {
        guard let (request, tag) = inbox.next() else { return }
        switch request {
        case let request? where request.grade != .expand:
            state = request.operation == .info ? .informing(request) : .seeking(request)
        default:
            // Grade `expand` is not offered, and ATTACH neither: never answered with anything else.
            outbox.put(.refusal(.badRequest, grade: .raw, tag: tag))
            state = .parting
        }
    }

    private func illegal(_ event: StaticString) -> Never {
        preconditionFailure("\(event) is not allowed in the state \(state)")
    }
}

extension BitRequest {
    fileprivate init(_ request: EntropyRequest) {
        self.init(
            grade: request.grade, length: Int(request.length),
            waits: !request.flags.contains(.nonBlocking))
    }
}

extension EntropyReply {
    /// A reply without bytes.
    static func refusal(_ status: Status, grade: Grade, tag: UInt64) -> EntropyReply {
        EntropyReply(
            status: status, provenance: .hardware, grade: grade, length: 0, tag: tag,
            healthEpoch: 0)
    }
}

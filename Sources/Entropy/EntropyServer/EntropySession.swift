// SPDX-License-Identifier: Apache-2.0

package import EntropyProtocol
package import EntropyTerms

/// The session of MEP/1. Only the text that answers INFO and the name of a client are allocated.
package struct EntropySession: ClientSession {
    /// What a session asks the server other than for bits.
    package enum Question: Equatable {
        /// The text of INFO: call `answer(info:)`.
        case information
        /// To note the name of the client: call `acceptName()`.
        case name(ClientName)
    }

    /// Where a session stands.
    package enum State: Equatable {
        /// Between requests; fewer bytes than a request are there.
        case listening
        /// A READ waits for a source that has bits for it; no byte of its answer was sent.
        case seeking(EntropyRequest)
        /// An INFO waits for its text.
        case informing(EntropyRequest)
        /// A NAME waits to be noted.
        case naming(EntropyRequest, ClientName)
        /// The header of an answer, and then the bits of a draw, are being sent.
        case delivering(Draw)
        /// A header and perhaps a text are being sent, and then the next request is taken up.
        case replying
        /// The last header is being sent, and then the connection is closed.
        case parting
        /// Nothing is received or sent any more.
        case closed
    }

    package private(set) var state = State.listening
    private var inbox = Inbox()
    private var outbox = Outbox()

    package init() {}

    package static let inboxLimit = Inbox.capacity

    package var inboxRoom: Int { Inbox.capacity - inbox.count }

    package var isListening: Bool {
        if case .listening = state { true } else { false }
    }

    package var action: SessionAction<Question> {
        switch state {
        case .listening: .receive
        case .seeking(let request): .seek(BitRequest(request))
        case .informing: .answer(.information)
        case .naming(_, let name): .answer(.name(name))
        case .delivering(let draw): .deliver(draw)
        case .replying, .parting: .reply
        case .closed: .close
        }
    }

    // MARK: Bytes

    package var unsentCount: Int { outbox.count }

    package func withUnsent<Result>(
        _ body: (_ header: UnsafeRawBufferPointer, _ text: UnsafeRawBufferPointer) -> Result
    ) -> Result {
        outbox.withBytes(body)
    }

    package mutating func received(_ bytes: UnsafeRawBufferPointer) {
        guard isListening else { illegal("received") }
        inbox.append(bytes)
        takeUpRequest()
    }

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
        case .listening, .seeking, .informing, .naming, .closed: illegal("sent")
        }
    }

    // MARK: Answers

    package mutating func begin(_ draw: Draw, provenance: Provenance, healthEpoch: UInt32) {
        guard case .seeking(let request) = state else { illegal("begin") }
        precondition(draw.grade == request.grade && draw.remaining == Int(request.length))
        outbox.put(
            EntropyReply(
                status: .ok, provenance: provenance, grade: request.grade, length: request.length,
                tag: request.tag, healthEpoch: healthEpoch))
        state = .delivering(draw)
    }

    package mutating func refuse(_ refusal: Refusal) {
        guard case .seeking(let request) = state else { illegal("refuse") }
        let status: EntropyReply.Status = refusal == .denied ? .denied : .unavailable
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

    /// Answers the NAME in hand, whose name was noted.
    package mutating func acceptName() {
        guard case .naming(let request, _) = state else { illegal("acceptName") }
        outbox.put(.refusal(.ok, grade: request.grade, tag: request.tag))
        state = .replying
    }

    // MARK: Ends

    package mutating func disconnected() { state = .closed }

    /// A client that waits for an answer is told so, and all others, also one whose answer has begun, see the end.
    package mutating func shutDown() {
        switch state {
        case .seeking(let request), .informing(let request), .naming(let request, _):
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
        let size = EntropyRequest.byteCount
        guard inbox.count >= size else { return }
        let (request, tag) = inbox.withBytes { (EntropyRequest(parsing: $0), EntropyRequest.tag(in: $0)) }
        // Grade `expand` is not offered, and ATTACH neither: never answered with anything else.
        guard let request, request.grade != .expand else { return part(from: tag) }
        switch request.operation {
        case .read: state = .seeking(request)
        case .info: state = .informing(request)
        case .name:
            let length = Int(request.length)
            guard inbox.count >= size + length else { return }
            let name = inbox.withBytes {
                ClientName(parsing: UnsafeRawBufferPointer(rebasing: $0[size..<size + length]))
            }
            guard let name else { return part(from: tag) }
            inbox.remove(length)
            state = .naming(request, name)
        }
        inbox.remove(size)
    }

    /// Answers what is no request, or none that is offered, and closes then.
    private mutating func part(from tag: UInt64) {
        outbox.put(.refusal(.badRequest, grade: .raw, tag: tag))
        state = .parting
    }

    private func illegal(_ event: StaticString) -> Never {
        preconditionFailure("\(event) is not allowed in the state \(state)")
    }
}

extension BitRequest {
    fileprivate init(_ request: EntropyRequest) {
        self.init(
            grade: request.grade, length: Int(request.length),
            waits: !request.flags.contains(.nonBlocking),
            isGenuine: request.flags.contains(.genuine))
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

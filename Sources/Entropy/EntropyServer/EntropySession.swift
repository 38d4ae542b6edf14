// SPDX-License-Identifier: Apache-2.0

package import EntropyProtocol
package import EntropyTerms

/// The life of one connection, without the connection: events in, actions out.
///
/// A session has at most one request in hand. What a client pipelines behind it stays in the kernel
/// until the request is answered, so that a client costs the server a fixed amount of memory.
package struct EntropySession {
    /// Where a session stands.
    package enum State: Equatable {
        /// Between requests; fewer bytes than a request are there.
        case listening
        /// A request waits for bits; no byte of its answer was sent.
        case waiting(EntropyRequest)
        /// The header of an answer, and then `remaining` bytes of a grade, are being sent.
        case sending(remaining: Int, grade: Grade)
        /// The last answer is being sent, and then the connection is closed.
        case closing
        case closed
    }

    /// What the server has to do next for a session.
    package enum Action: Equatable {
        /// Read from the connection.
        case receive
        /// Send `outbox`, and then up to so many bytes of bits of the grade.
        case send(bits: Int, grade: Grade)
        /// Look whether bits of the grade are there for the request, and call `begin` or `refuse`.
        case seekBits(EntropyRequest)
        /// Call `answer(info:)`.
        case answerInfo
        case close
    }

    package private(set) var state = State.listening
    /// Bytes that were received and not understood yet.
    private var inbox: [UInt8] = []
    /// Bytes of headers and of JSON that are still to be sent.
    package private(set) var outbox: ArraySlice<UInt8> = []

    package init() {}

    /// How many bytes the session takes at once.
    package static let inboxLimit = 16 * EntropyRequest.byteCount

    /// How many more bytes the session takes now.
    package var inboxRoom: Int { Self.inboxLimit - inbox.count }

    /// What to do next.
    package var action: Action {
        switch state {
        case .listening: .receive
        case .waiting(let request): request.operation == .info ? .answerInfo : .seekBits(request)
        case .sending(let remaining, let grade): .send(bits: remaining, grade: grade)
        case .closing: outbox.isEmpty ? .close : .send(bits: 0, grade: .raw)
        case .closed: .close
        }
    }

    /// Bytes have arrived.
    package mutating func received(_ bytes: UnsafeRawBufferPointer) {
        inbox.append(contentsOf: bytes)
        parse()
    }

    /// The peer has closed, or the connection broke.
    package mutating func disconnected() { state = .closed }

    /// Bits are there for the waiting request: its answer begins.
    package mutating func begin(
        _ request: EntropyRequest, provenance: Provenance, healthEpoch: UInt32
    ) {
        put(
            EntropyReply(
                status: .ok, provenance: provenance, grade: request.grade, length: request.length,
                tag: request.tag, healthEpoch: healthEpoch))
        state = .sending(remaining: Int(request.length), grade: request.grade)
    }

    /// The waiting request gets a status and no bytes.
    ///
    /// - Parameter isLast: whether the connection is closed after it.
    package mutating func refuse(_ status: EntropyReply.Status, isLast: Bool) {
        guard case .waiting(let request) = state else { return }
        put(.refusal(status, grade: request.grade, tag: request.tag))
        state = isLast ? .closing : .sending(remaining: 0, grade: request.grade)
    }

    /// The waiting request gets a JSON object.
    package mutating func answer(info: [UInt8], provenance: Provenance, healthEpoch: UInt32) {
        guard case .waiting(let request) = state else { return }
        put(
            EntropyReply(
                status: .ok, provenance: provenance, grade: request.grade,
                length: UInt32(info.count), tag: request.tag, healthEpoch: healthEpoch))
        outbox += info
        state = .sending(remaining: 0, grade: request.grade)
    }

    /// `bytes` bytes went out: first those of `outbox`, then bits.
    package mutating func sent(_ bytes: Int) {
        let head = min(bytes, outbox.count)
        outbox.removeFirst(head)
        if case .sending(let remaining, let grade) = state {
            state = .sending(remaining: remaining - (bytes - head), grade: grade)
            if outbox.isEmpty, remaining == bytes - head {
                state = .listening
                parse()
            }
        }
    }

    /// The server stops: who waits is told so, who was not answered in full sees the end.
    package mutating func shutDown() {
        switch state {
        case .waiting: refuse(.shuttingDown, isLast: true)
        case .listening, .sending, .closing, .closed: state = .closed
        }
    }

    private mutating func parse() {
        guard state == .listening, inbox.count >= EntropyRequest.byteCount else { return }
        let (request, tag) = inbox.withUnsafeBytes {
            (EntropyRequest(parsing: $0), EntropyRequest.tag(in: $0))
        }
        inbox.removeFirst(EntropyRequest.byteCount)
        if let request, request.grade != .expand {
            state = .waiting(request)
        } else {
            // Grade `expand` is not offered, and ATTACH neither: never answered with anything else.
            put(.refusal(.badRequest, grade: .raw, tag: tag))
            state = .closing
        }
    }

    private mutating func put(_ reply: EntropyReply) {
        var header = [UInt8](repeating: 0, count: EntropyReply.byteCount)
        header.withUnsafeMutableBytes { reply.write(to: $0) }
        outbox += header
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

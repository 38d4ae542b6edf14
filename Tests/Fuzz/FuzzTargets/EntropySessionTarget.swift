// SPDX-License-Identifier: Apache-2.0

import EntropyProtocol
import EntropyServer
import EntropyTerms
import TestSupport

extension FuzzTarget {
    /// The server's side of MEP/1: what a client sends, through `EntropySession`, and the replies.
    static let entropySession = FuzzTarget("entropy-session", inputLimit: 1_024) { bytes in
        let whole = EntropyServerSide(bytes, in: [bytes])
        require(
            EntropyServerSide(bytes, in: pieces(of: bytes)).replies == whole.replies,
            "replies do not depend on the pieces that requests come in")
    }
}

/// A server with one client. It refuses requests with odd tags, and sends all it has to in pieces.
private struct EntropyServerSide {
    /// The headers of all replies.
    private(set) var replies: [EntropyReply] = []
    private var session = EntropySession()
    private var random: SeededGenerator

    private static let text = Array("{}".utf8)

    init(_ stream: UnsafeRawBufferPointer, in pieces: [UnsafeRawBufferPointer]) {
        random = generator(seededBy: stream)
        for piece in pieces {
            var rest = piece[...]
            while !rest.isEmpty, session.state != .closed {
                require(session.inboxRoom > 0, "a session that listens has room")
                let part = rest.prefix(session.inboxRoom)
                session.received(UnsafeRawBufferPointer(rebasing: part))
                rest = rest.dropFirst(part.count)
                serve()
            }
        }
        checkReplies(to: stream)
    }

    /// Does what the session wants until it wants to receive, or is closed.
    private mutating func serve() {
        while true {
            switch session.action {
            case .receive, .close: return
            case .seek(let request): decide(request)
            case .answer(.information):
                session.answer(info: Self.text, provenance: .hardware, healthEpoch: 1)
                noteHeader()
            case .answer(.name(let name)):
                require(ClientName(name.text) == name, "a name is printable and short")
                session.acceptName()
                noteHeader()
            case .deliver(let draw): send(session.unsentCount + draw.remaining)
            case .reply:
                // The last word of a session was not asked for.
                if session.state == .parting { noteHeader() }
                send(session.unsentCount)
            }
        }
    }

    private mutating func decide(_ request: BitRequest) {
        guard case .seeking(let asked) = session.state else {
            fatalError("a seeking session seeks")
        }
        require(
            EntropyProtocolLimits.readLengths.contains(UInt32(request.length)),
            "the length is within the limits")
        require(request.grade != .expand, "a grade that is not offered is not looked for")
        if asked.tag.isMultiple(of: 2) {
            session.begin(Draw(request, source: 0), provenance: .hardware, healthEpoch: 1)
        } else {
            session.refuse(.unavailable)
        }
        noteHeader()
    }

    private mutating func noteHeader() {
        let reply = session.withUnsent { header, _ in
            header.count == EntropyReply.byteCount ? EntropyReply(parsing: header) : nil
        }
        replies.append(required(reply, "a reply begins with a header that a client can read"))
    }

    /// Sends in one to three pieces, of which the session is told.
    private mutating func send(_ count: Int) {
        var rest = count
        for _ in 0..<2 where rest > 1 {
            let piece = Int.random(in: 1..<rest, using: &random)
            session.sent(piece)
            rest -= piece
        }
        session.sent(rest)
    }

    /// Every whole request up to the first bad one has a reply, in order.
    private func checkReplies(to stream: UnsafeRawBufferPointer) {
        var answered = 0
        var rest = stream[...]
        while rest.count >= EntropyRequest.byteCount {
            let bytes = UnsafeRawBufferPointer(rebasing: rest.prefix(EntropyRequest.byteCount))
            let request = EntropyRequest(parsing: bytes)
            rest = rest.dropFirst(EntropyRequest.byteCount)
            var isOffered = request != nil && request?.grade != .expand
            if let request, isOffered, request.operation == .name {
                let name = rest.prefix(Int(request.length))
                guard name.count == Int(request.length) else { break }
                isOffered = name.allSatisfy { (0x20...0x7E).contains($0) }
                rest = rest.dropFirst(name.count)
            }
            require(answered < replies.count, "every request is answered")
            let reply = replies[answered]
            require(reply.tag == EntropyRequest.tag(in: bytes), "replies come in order")
            require(
                (reply.status == .badRequest) == !isOffered, "what is not offered is a bad request")
            answered += 1
            if !isOffered { break }
        }
        require(answered == replies.count, "nothing is answered that was not asked for")
    }
}

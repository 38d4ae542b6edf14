// SPDX-License-Identifier: Apache-2.0

import EntropyServer
import EntropyTerms
import TestSupport

extension FuzzTarget {
    /// The server's side of EGD: what a client sends, through `EGDSession`, and what it gets.
    static let egdSession = FuzzTarget("egd-session", inputLimit: 1_024) { bytes in
        let whole = EGDServerSide(bytes, in: [bytes])
        let inPieces = EGDServerSide(bytes, in: pieces(of: bytes))
        require(inPieces.sent == whole.sent, "replies do not depend on the pieces that commands come in")
        let plain = PlainEGD(bytes)
        require(whole.sent == plain.sent && whole.isClosed == plain.isClosed, "replies are those of a plain reading")
    }
}

/// What both sides answer, so that they can be compared: bits are zeros.
private enum Answers {
    static let available = 200
    static let processID: Int32 = 4711

    /// Requests for so many bytes are refused: the bits have ended.
    static func isRefused(_ length: Int) -> Bool { length == 13 }
}

/// A server with one client, which sends all it has to in pieces.
private struct EGDServerSide {
    /// All bytes that the client gets.
    private(set) var sent: [UInt8] = []
    private var session = EGDSession()
    private var random: SeededGenerator

    var isClosed: Bool { session.state == .closed }

    init(_ stream: UnsafeRawBufferPointer, in pieces: [UnsafeRawBufferPointer]) {
        random = generator(seededBy: stream)
        for piece in pieces {
            var rest = piece[...]
            while !rest.isEmpty, !isClosed {
                require(session.inboxRoom > 0, "a session that listens has room")
                let part = rest.prefix(session.inboxRoom)
                session.received(UnsafeRawBufferPointer(rebasing: part))
                rest = rest.dropFirst(part.count)
                serve()
            }
        }
    }

    /// Does what the session wants until it wants to receive, or is closed.
    private mutating func serve() {
        while true {
            switch session.action {
            case .receive, .close: return
            case .seek(let request):
                require(1...255 ~= request.length && request.waits, "a command asks for at most 255 bytes")
                if Answers.isRefused(request.length) {
                    session.refuse(.unavailable)
                } else {
                    session.begin(Draw(request, source: 0), provenance: .hardware, healthEpoch: 0)
                }
            case .answer(.available): session.answer(available: Answers.available)
            case .answer(.processID): session.answer(processID: Answers.processID)
            case .answer(.atOnce(0)): session.answerNothing()
            case .answer(.atOnce(let limit)):
                let request = BitRequest(grade: .full, length: min(Int(limit), Answers.available), waits: false)
                session.begin(Draw(request, source: 0), provenance: .hardware, healthEpoch: 0)
            case .deliver(let draw): send(bits: draw.remaining)
            case .reply: send(bits: 0)
            }
        }
    }

    /// Sends in one or two pieces, of which the session is told.
    private mutating func send(bits: Int) {
        let bytes = session.withUnsent { Array($0) + Array($1) } + [UInt8](repeating: 0, count: bits)
        sent += bytes
        let first = bytes.count > 1 ? Int.random(in: 1..<bytes.count, using: &random) : 0
        if first > 0 { session.sent(first) }
        session.sent(bytes.count - first)
    }
}

/// The same read from the whole stream, without states.
private struct PlainEGD {
    private(set) var sent: [UInt8] = []
    private(set) var isClosed = false

    init(_ stream: UnsafeRawBufferPointer) {
        var rest = Array(stream)[...]
        while let first = rest.first, !isClosed {
            switch first {
            case 0: sent += [0, 0, 6, 64]
            case 1, 2:
                guard rest.count > 1 else { return }
                let length = Int(rest[rest.startIndex + 1])
                if first == 1 { answerAtOnce(length) } else { answer(length) }
                rest = rest.dropFirst()
            case 3:
                guard rest.count > 3 else { return }
                rest = rest.dropFirst(3 + Int(rest[rest.startIndex + 3]))
            case 4: sent += [4] + Array("4711".utf8)
            default: isClosed = true
            }
            rest = rest.dropFirst()
        }
    }

    private mutating func answerAtOnce(_ limit: Int) {
        let length = min(limit, Answers.available)
        sent += [UInt8(length)] + [UInt8](repeating: 0, count: length)
    }

    private mutating func answer(_ length: Int) {
        isClosed = Answers.isRefused(length)
        if !isClosed { sent += [UInt8](repeating: 0, count: length) }
    }
}

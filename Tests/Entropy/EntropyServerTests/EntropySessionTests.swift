// SPDX-License-Identifier: Apache-2.0

import EntropyProtocol
import EntropyServer
import EntropyTerms
import PlaneTestSupport
import TestSupport
import Testing

/// What happens to a session, and what it wants then: each test reads as the script of a connection.
@Suite(
    "Session: scripts of events in and actions out")
struct EntropySessionTests {
    private var session = EntropySession()
    private let read = EntropyRequest.read(100, grade: .full, tag: 7)
    private let readBits = BitRequest(grade: .full, length: 100, waits: true)
    private let draw = Draw(BitRequest(grade: .full, length: 100, waits: true), source: 0)
    private let later = EntropyRequest.read(5, grade: .raw, flags: .nonBlocking, tag: 8)
    private let laterBits = BitRequest(grade: .raw, length: 5, waits: false)

    @Test("reads until a request is whole, looks for bits, and sends header and bits")
    mutating func wholeRequest() throws {
        #expect(session.action == .receive)
        session.receive(read.bytes.prefix(15))
        #expect(session.action == .receive)
        session.receive(read.bytes.suffix(1))
        #expect(session.action == .seek(readBits))
        session.begin(draw, provenance: .simulated, healthEpoch: 3)
        #expect(session.action == .deliver(draw))
        let header = EntropyReply(
            status: .ok, provenance: .simulated, grade: .full, length: 100, tag: 7, healthEpoch: 3)
        #expect(session.unsent == header.bytes)
        session.sent(124)
        #expect(session.action == .receive)
        #expect(session.unsent.isEmpty)
    }

    @Test("counts down as parts of header and bits go out", arguments: [1, 7, 23, 24, 25, 100])
    mutating func partialSends(step: Int) {
        session.receive(read.bytes)
        session.begin(draw, provenance: .hardware, healthEpoch: 0)
        var sent = 0
        while sent + step < 124 {
            session.sent(step)
            sent += step
            #expect(session.unsentCount == max(0, 24 - sent))
            guard case .deliver(let draw) = session.action else {
                Issue.record("the answer is under way")
                return
            }
            #expect(draw.remaining == min(100, 124 - sent))
        }
        session.sent(124 - sent)
        #expect(session.action == .receive)
    }

    @Test("takes up pipelined requests one after another")
    mutating func pipelined() {
        session.receive(read.bytes + later.bytes + EntropyRequest.info(tag: 9).bytes)
        #expect(session.action == .seek(readBits))
        session.begin(draw, provenance: .hardware, healthEpoch: 0)
        session.sent(124)
        #expect(session.action == .seek(laterBits))
        session.refuse(.unavailable)
        #expect(session.unsent[1] == EntropyReply.Status.unavailable.rawValue)
        #expect(session.action == .reply)
        session.sent(24)
        #expect(session.action == .answer(.information))
        session.answer(info: Array("{}".utf8), provenance: .hardware, healthEpoch: 0)
        #expect(session.action == .reply)
        session.sent(26)
        #expect(session.action == .receive)
    }

    @Test("takes a name once all of it is there, and says that it has it", arguments: [1, 7, 16, 17, 40, 45])
    mutating func name(step: Int) throws {
        let text = "Python 3.11, libmetrng 0.1.0"
        let name = try #require(ClientName(text))
        let bytes = EntropyRequest.name(name, tag: 5).bytes + Array(text.utf8) + later.bytes
        for start in stride(from: 0, to: bytes.count, by: step) where session.isListening {
            session.receive(bytes[start..<min(start + step, bytes.count)])
        }
        #expect(session.action == .answer(.name(name)))
        session.acceptName()
        let reply = try #require(EntropyReply(session.unsent))
        #expect(reply.status == .ok && reply.length == 0 && reply.tag == 5)
        session.sent(24)
        #expect(session.isListening || session.action == .seek(laterBits))
    }

    @Test("refuses a name that is not printable ASCII", arguments: ["a\u{1B}[2J", "é", "a\n", "\u{7F}"])
    mutating func hostileName(text: String) {
        let header: [UInt8] = [1, 4, 0, 0, UInt8(text.utf8.count), 0, 0, 0] + [UInt8](repeating: 0, count: 8)
        session.receive(header + Array(text.utf8))
        #expect(EntropyReply(session.unsent)?.status == .badRequest)
        session.sent(24)
        #expect(session.action == .close)
    }

    @Test("asks for genuine bits where the request does, and tells when there are none")
    mutating func genuine() {
        let request = EntropyRequest.read(100, grade: .full, flags: .genuine, tag: 9)
        session.receive(request.bytes + later.bytes)
        #expect(session.action == .seek(BitRequest(grade: .full, length: 100, waits: true, isGenuine: true)))
        session.refuse(.denied)
        #expect(EntropyReply(session.unsent)?.status == .denied)
        session.sent(24)
        #expect(session.action == .seek(laterBits), "the connection goes on")
    }

    @Test("takes a bounded number of bytes at once, and fewer while it has some")
    mutating func inboxIsBounded() {
        #expect(session.inboxRoom == 256)
        session.receive(read.bytes.prefix(10))
        #expect(session.inboxRoom == 246)
        session.receive([UInt8](repeating: 0, count: 246))
        #expect(session.inboxRoom <= 256)
    }

    @Test(
        "answers what it does not offer with bad request, and closes once that is sent",
        arguments: [
            [UInt8](repeating: 0xFF, count: 16), [UInt8](repeating: 0, count: 16),
            [1, 2, 1, 0, 0, 0, 1, 0, 5, 0, 0, 0, 0, 0, 0, 0],
            EntropyRequest.read(1, grade: .expand, tag: 5).bytes,
        ])
    mutating func badRequest(bytes: [UInt8]) throws {
        session.receive(bytes + read.bytes)
        #expect(session.action == .reply)
        let reply = try #require(EntropyReply(session.unsent))
        #expect(reply.status == .badRequest)
        #expect(reply.length == 0)
        #expect(reply.tag == bytes.withUnsafeBytes { EntropyRequest.tag(in: $0) })
        session.sent(20)
        #expect(session.action == .reply)
        session.sent(4)
        #expect(session.action == .close, "the request behind it is not answered")
    }

    @Test("answers the requests before a bad one first")
    mutating func badRequestLater() {
        session.receive(read.bytes + [UInt8](repeating: 9, count: 16))
        session.begin(draw, provenance: .hardware, healthEpoch: 0)
        session.sent(124)
        #expect(session.action == .reply)
        session.sent(24)
        #expect(session.action == .close)
    }

    @Test("tells a client that waits that the server stops, and then closes")
    mutating func shutDownWhileWaiting() {
        session.receive(read.bytes)
        session.shutDown()
        #expect(session.action == .reply)
        #expect(EntropyReply(session.unsent)?.status == .shuttingDown)
        #expect(EntropyReply(session.unsent)?.tag == 7)
        session.sent(24)
        #expect(session.action == .close)
    }

    @Test("just closes when the server stops between requests or in an answer")
    mutating func shutDownOtherwise() {
        var sending = session
        sending.receive(read.bytes)
        sending.begin(draw, provenance: .hardware, healthEpoch: 0)
        sending.sent(50)
        for var session in [session, sending] {
            session.shutDown()
            #expect(session.action == .close)
        }
    }

    @Test("wants nothing but its end when the peer is gone, wherever it was")
    mutating func disconnected() {
        var waiting = session
        waiting.receive(read.bytes)
        var sending = waiting
        sending.begin(draw, provenance: .hardware, healthEpoch: 0)
        var closing = session
        closing.receive([UInt8](repeating: 9, count: 16))
        for var session in [session, waiting, sending, closing] {
            session.disconnected()
            #expect(session.action == .close)
        }
    }
}

@Suite("An event that a session does not allow")
struct IllegalSessionEventTests {
    @Test("ends the process: bytes sent of no answer")
    func sent() async {
        await #expect(processExitsWith: .failure) {
            var session = EntropySession()
            session.sent(1)
        }
    }

    @Test("ends the process: an answer that nobody asked for")
    func begin() async {
        await #expect(processExitsWith: .failure) {
            var session = EntropySession()
            session.begin(
                Draw(BitRequest(grade: .full, length: 1, waits: true), source: 0),
                provenance: .hardware, healthEpoch: 0)
        }
    }

    @Test("ends the process: more bits than were asked for")
    func tooMany() async {
        await #expect(processExitsWith: .failure) {
            var session = EntropySession()
            session.receive(EntropyRequest.read(8, grade: .full).bytes)
            session.begin(
                Draw(BitRequest(grade: .full, length: 8, waits: true), source: 0),
                provenance: .hardware, healthEpoch: 0)
            session.sent(24 + 9)
        }
    }

    @Test("ends the process: a request while another one is in hand")
    func received() async {
        await #expect(processExitsWith: .failure) {
            var session = EntropySession()
            session.receive(EntropyRequest.read(8, grade: .full).bytes)
            session.receive(EntropyRequest.read(8, grade: .full).bytes)
        }
    }
}

extension EntropySession {
    /// The bytes of header and text that are still to be sent.
    fileprivate var unsent: [UInt8] { withUnsent { Array($0) + Array($1) } }

    fileprivate mutating func receive(_ bytes: some Sequence<UInt8>) {
        Array(bytes).withUnsafeBytes { received($0) }
    }
}

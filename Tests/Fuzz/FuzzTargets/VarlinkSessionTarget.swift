// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import ControlTestSupport
import Glibc
import LinuxPlatform
import Varlink

extension FuzzTarget {
    /// The server's side of the control plane: what a client sends, through `VarlinkSession` and
    /// `VarlinkService` to the methods of `org.metrng.Control`, and the replies.
    static let varlinkSession = FuzzTarget("varlink-session") { bytes in
        _ = ServerSide(bytes, in: [bytes], with: nullFile())
        let whole = ServerSide(bytes, in: [bytes])
        require(
            ServerSide(bytes, in: pieces(of: bytes)) == whole,
            "replies do not depend on the pieces that calls come in")
    }
}

private func nullFile() -> Descriptor? {
    let raw = open("/dev/null", O_WRONLY | O_CLOEXEC)
    return raw < 0 ? nil : Descriptor(owning: raw)
}

/// A server with one client, on a clock that the run moves.
private struct ServerSide: Equatable {
    /// Everything that the client was sent.
    private(set) var sent: [UInt8] = []
    private(set) var calls = 0
    private(set) var isClosed = false

    private static let requestLimit = 1_024
    /// The longest reply is the description of the interface.
    private static let replyLimit = 65_536
    /// Replies of one stream that are looked at.
    private static let repliesPerStream = 3
    private static let peer = PeerCredentials(processID: 1, userID: 0, groupID: 0)
    private static let second: UInt64 = 1_000_000_000

    /// - Parameter file: comes with the first piece.
    init(
        _ stream: UnsafeRawBufferPointer, in pieces: [UnsafeRawBufferPointer],
        with file: Descriptor? = nil
    ) {
        let service = VarlinkService(
            VarlinkServiceInfo(vendor: "metrng", product: "fake", version: "1", url: ""),
            [ControlService(FakeProvider(boards: [Samples.board]), FakeOperator())])
        var session = VarlinkSession(requestLimit: Self.requestLimit)
        for (index, piece) in pieces.enumerated() where !isClosed {
            session.received(piece, with: index == 0 ? file : nil)
            serve(&session, by: service)
        }
        session.receivedEnd()
        serve(&session, by: service)
        require(isClosed, "a session ends with its client")
    }

    /// Answers every call that is there.
    private mutating func serve(_ session: inout VarlinkSession, by service: VarlinkService) {
        while !isClosed {
            switch session.step() {
            case .wait:
                // The error that a message which is no call is answered with.
                guard !session.output.isEmpty else { return }
                drain(&session)
            case .close: isClosed = true
            case .call(let message):
                calls += 1
                answer(message, &session, by: service)
            }
        }
    }

    private mutating func answer(
        _ message: CallMessage, _ session: inout VarlinkSession, by service: VarlinkService
    ) {
        let descriptor = session.takeDescriptor()
        do {
            let answer: VarlinkAnswer
            do throws(VarlinkError) {
                answer = try service.answer(message, from: Self.peer, with: descriptor)
            } catch {
                if !message.oneway { try session.fail(error) }
                return drain(&session)
            }
            if message.oneway { return }
            try session.answer(answer, wantsMore: message.more, now: 0)
            try runStream(&session)
        } catch {
            fatalError("a reply cannot be written: \(error)")
        }
    }

    /// Takes replies until the stream is over; one without end is ended as its client would end it.
    private mutating func runStream(_ session: inout VarlinkSession) throws(JSONError) {
        drain(&session)
        for reply in 1... {
            guard let due = session.streamDue else { return }
            require(!session.wantsInput, "nothing is read while a stream runs")
            guard reply <= Self.repliesPerStream else {
                isClosed = true
                return
            }
            try session.advanceStream(now: due + (reply == 2 ? Self.second : 0))
            drain(&session)
        }
    }

    /// Takes what is to be sent, in two parts, and reads it as a client does.
    private mutating func drain(_ session: inout VarlinkSession) {
        let output = Array(session.output)
        guard !output.isEmpty else { return }
        require(output.count <= Self.replyLimit, "a reply has a limited length")
        require(
            output.firstIndex(of: 0) == output.count - 1, "a reply is one message, ended by a NUL")
        do throws(VarlinkClientError) {
            _ = try VarlinkReply<JSONValue>(parsing: output.dropLast())
        } catch {
            guard case .remote = error else { fatalError("a reply cannot be read: \(error)") }
        }
        session.sent(output.count / 2)
        require(!session.canStep, "no call is taken while a reply waits")
        session.sent(output.count - output.count / 2)
        sent += output
    }
}

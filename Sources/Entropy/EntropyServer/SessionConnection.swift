// SPDX-License-Identifier: Apache-2.0

import EntropyRing
import LinuxPlatform
import Synchronization

/// A session of a protocol with its socket. For the server's thread.
///
/// Bits go from the ring to the socket without a copy in between: what the kernel took is the client's, delivered
/// or lost with it, and is wiped; what it did not take is still nobody's.
final class SessionConnection<Spoken: BitProtocol>: LocalConnection {
    let socket: AcceptedSocket
    let client: DispenserClient
    private unowned let service: SessionService<Spoken>
    private var session = Spoken.Session()
    private var place = Place.polled

    /// Where a connection waits for its next turn; in one place at a time.
    private enum Place {
        /// In the poll, which tells when the socket is ready.
        case polled
        /// In the run queue: it can go on.
        case runnable
        /// In the dispenser's line, for bits. The poll reports only that the peer is gone.
        case waiting
        /// Nowhere any more.
        case closed
    }

    /// What a turn ended with.
    private enum Outcome {
        /// There is more to do.
        case again
        /// The socket has to be ready first.
        case needs(EventPoll.Interest)
        case needsBits
        case finished
    }

    init(_ socket: AcceptedSocket, _ client: DispenserClient, of service: SessionService<Spoken>) {
        self.socket = socket
        self.client = client
        self.service = service
    }

    /// Whether no request is under way.
    var isIdle: Bool { session.isListening }

    // MARK: Events

    /// The poll has an event of the socket.
    func ready(_ event: EventPoll.Event) {
        if event.isHungUp {
            session.disconnected()
            // The poll would report it again and again while the connection waits for bits.
            if place == .waiting {
                service.dispenser.cancelWait(of: client)
                place = .polled
            }
        }
        if place == .polled { run() }
    }

    /// The server stops: the session has its last word, as far as the socket takes it at once.
    func shutDown() {
        session.shutDown()
        if case .reply = session.action { _ = sendReply() }
        service.close(self)
    }

    /// The connection is closed, whatever it was doing.
    func closed() {
        precondition(place != .closed, "a connection is closed once")
        session.disconnected()
        place = .closed
    }

    private func run() {
        place = .runnable
        service.runQueue.append(self)
    }

    // MARK: Steps

    private func step() -> Outcome {
        switch session.action {
        case .receive: return receive()
        case .seek(let request): return seek(request)
        case .answer(let question):
            service.spoken.answer(question, of: &session, for: client)
            return step()
        case .deliver(let draw): return deliver(draw)
        case .reply: return sendReply()
        case .close: return .finished
        }
    }

    /// What follows when all there was to send was taken.
    private var next: Outcome { session.isListening ? .needs(.readable) : .again }

    private func receive() -> Outcome {
        let room = UnsafeMutableRawBufferPointer(rebasing: service.inbox[..<session.inboxRoom])
        switch service.parts.calls.receive(into: room, from: socket.descriptor) {
        case .moved(let count):
            socket.idleSince = service.parts.clock.monotonicNanoseconds()
            session.received(UnsafeRawBufferPointer(rebasing: room[..<count]))
            return session.isListening ? .needs(.readable) : step()
        case .wouldBlock: return .needs(.readable)
        case .ended: return .finished
        }
    }

    private func seek(_ request: BitRequest) -> Outcome {
        switch service.dispenser.grant(service.spoken.adapted(request)) {
        case .granted(let draw):
            let source = service.dispenser.source(of: draw)
            session.begin(
                draw, provenance: source.provenance,
                healthEpoch: source.healthEpoch.load(ordering: .relaxed))
            // In the same turn, or the bits that are there would have gone to others by the next one.
            return deliver(draw)
        case .notYet: return .needsBits
        case .unavailable: return refuse(.unavailable)
        case .denied: return refuse(.denied)
        }
    }

    private func refuse(_ refusal: Refusal) -> Outcome {
        session.refuse(refusal)
        return step()
    }

    private func deliver(_ draw: Draw) -> Outcome {
        switch service.dispenser.dispense(draw, to: self) {
        case .taken: next
        case .sinkIsFull: .needs(.writable)
        case .noBits: .needsBits
        case .ended: .finished
        }
    }

    private func sendReply() -> Outcome {
        let unsent = session.unsentCount
        let sent = session.withUnsent { service.parts.calls.send($0, $1, to: socket.descriptor) }
        switch sent {
        case .moved(let count):
            session.sent(count)
            return count == unsent ? next : .needs(.writable)
        case .wouldBlock: return .needs(.writable)
        case .ended: return .finished
        }
    }
}

extension SessionConnection: TurnTaker {
    func takeTurn() {
        guard place != .closed else { return }
        precondition(place == .runnable && !client.isWaiting, "a connection is in one place only")
        switch step() {
        case .again: run()
        case .needs(let interest):
            place = .polled
            service.clients.watch(socket, interest)
        case .needsBits:
            place = .waiting
            service.clients.watch(socket, [])
            service.dispenser.wait(self)
        case .finished:
            service.close(self)
        }
    }
}

extension SessionConnection: Sink {
    var want: BitWant? {
        switch session.action {
        case .seek(let request): .grant(service.spoken.adapted(request))
        case .deliver(let draw): .bits(draw)
        case .receive, .answer, .reply, .close: nil
        }
    }

    func take(_ bits: UnsafeRawBufferPointer) -> SinkResult {
        let unsent = session.unsentCount
        guard unsent + bits.count > 0 else { return .all }
        // An answer with bits has no text: the header and the bits go as one message.
        let sent = session.withUnsent { header, _ in
            service.parts.calls.send(header, bits, to: socket.descriptor)
        }
        switch sent {
        case .moved(let count):
            session.sent(count)
            return count == unsent + bits.count ? .all : .part(max(0, count - unsent))
        case .wouldBlock: return .part(0)
        case .ended: return .ended
        }
    }

    func wake() {
        precondition(place == .waiting, "a connection is woken that waits")
        run()
    }
}

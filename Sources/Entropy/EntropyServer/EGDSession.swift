// SPDX-License-Identifier: Apache-2.0

import EGDProtocol
package import EntropyTerms

/// The session of EGD. It cannot tell a client why there are no bits: the connection is closed then. Nothing is
/// allocated.
package struct EGDSession: ClientSession {
    /// What a session asks the server other than for bits.
    package enum Question: Equatable {
        /// How many bytes are available: call `answer(available:)`.
        case available
        /// How many bytes are available at once, of at most this many: call `begin` with a draw of them, or
        /// `answerNothing()`.
        case atOnce(UInt8)
        /// The number of the process: call `answer(processID:)`.
        case processID
    }

    /// Where a session stands.
    package enum State: Equatable {
        /// Between commands, with so many bytes of a WRITE still to be ignored; no whole command is there.
        case listening(ignored: Int)
        /// The server has to say something.
        case asking(Question)
        /// A READ waits for a source that has bits for it.
        case seeking(UInt8)
        /// A count, and then the bits of a draw, are being sent.
        case delivering(Draw)
        /// A reply without bits is being sent.
        case replying
        /// Nothing is received or sent any more.
        case closed
    }

    package private(set) var state = State.listening(ignored: 0)
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
        case .asking(let question): .answer(question)
        case .seeking(let length): .seek(BitRequest(grade: .full, length: Int(length), waits: true))
        case .delivering(let draw): .deliver(draw)
        case .replying: .reply
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
        guard case .listening(let ignored) = state else { illegal("received") }
        inbox.append(bytes)
        takeUpCommand(ignored: ignored)
    }

    package mutating func sent(_ count: Int) {
        let rest = outbox.remove(count)
        switch state {
        case .delivering(var draw):
            draw.take(rest)
            state = .delivering(draw)
            if draw.remaining == 0 { takeUpCommand(ignored: 0) }
        case .replying:
            precondition(rest == 0, "no bits were to be sent")
            if outbox.count == 0 { takeUpCommand(ignored: 0) }
        case .listening, .asking, .seeking, .closed: illegal("sent")
        }
    }

    // MARK: Answers

    package mutating func begin(_ draw: Draw, provenance: Provenance, healthEpoch: UInt32) {
        switch state {
        case .seeking(let length): precondition(draw.remaining == Int(length))
        case .asking(.atOnce(let limit)):
            precondition(1...Int(limit) ~= draw.remaining)
            put(UInt8(draw.remaining))
        default: illegal("begin")
        }
        precondition(draw.grade == .full)
        state = .delivering(draw)
    }

    /// Closes: the protocol has no word for it.
    package mutating func refuse(_ refusal: Refusal) {
        guard case .seeking = state else { illegal("refuse") }
        state = .closed
    }

    /// Answers how many bytes are available.
    package mutating func answer(available bytes: Int) {
        guard case .asking(.available) = state else { illegal("answer(available:)") }
        outbox.putHeader { buffer in
            buffer.storeBytes(of: EGDCommand.countReply(bytesAvailable: bytes).bigEndian, as: UInt32.self)
            return 4
        }
        state = .replying
    }

    /// Answers that no byte is available at once.
    package mutating func answerNothing() {
        guard case .asking(.atOnce) = state else { illegal("answerNothing") }
        put(0)
        state = .replying
    }

    /// Answers the number of the process.
    package mutating func answer(processID: Int32) {
        guard case .asking(.processID) = state else { illegal("answer(processID:)") }
        outbox.putHeader { buffer in
            // From the last digit on.
            var (rest, digits) = (max(0, processID), 0)
            repeat {
                digits += 1
                buffer[buffer.count - digits] = UInt8(ascii: "0") + UInt8(rest % 10)
                rest /= 10
            } while rest > 0
            buffer[0] = UInt8(digits)
            for index in 0..<digits { buffer[1 + index] = buffer[buffer.count - digits + index] }
            return 1 + digits
        }
        state = .replying
    }

    private mutating func put(_ byte: UInt8) {
        outbox.putHeader { buffer in
            buffer[0] = byte
            return 1
        }
    }

    // MARK: Ends

    package mutating func disconnected() { state = .closed }

    package mutating func shutDown() { state = .closed }

    // MARK: Commands

    /// Takes up the next command that is answered, if all of it is there, and ignores what is to be ignored.
    private mutating func takeUpCommand(ignored: Int) {
        precondition(outbox.count == 0, "an answer has been sent")
        var ignored = ignored
        while true {
            let dropped = min(ignored, inbox.count)
            inbox.remove(dropped)
            ignored -= dropped
            state = .listening(ignored: ignored)
            guard ignored == 0 else { return }
            switch inbox.withBytes(EGDCommand.parse) {
            case .incomplete: return
            case .invalid:
                state = .closed
                return
            case .command(let command, let byteCount):
                inbox.remove(byteCount)
                switch command {
                case .write(let count): ignored = Int(count)
                case .read(0): break
                case .read(let length): state = .seeking(length)
                case .readAtOnce(let limit): state = .asking(.atOnce(limit))
                case .count: state = .asking(.available)
                case .processID: state = .asking(.processID)
                }
                guard isListening else { return }
            }
        }
    }

    private func illegal(_ event: StaticString) -> Never {
        preconditionFailure("\(event) is not allowed in the state \(state)")
    }
}

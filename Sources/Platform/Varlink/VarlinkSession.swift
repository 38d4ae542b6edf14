// SPDX-License-Identifier: Apache-2.0

package import LinuxPlatform

/// The dialogue of one client with the server, without any input or output: bytes and times in, bytes and calls
/// out.
///
/// Calls are answered in order and one at a time: while a reply waits to be sent, or a stream runs,
/// nothing more is read. So a session holds at most one message of the client and one reply, and at most
/// one descriptor.
package struct VarlinkSession {
    /// The next thing to do for a session.
    package enum Step {
        /// Nothing, until bytes come or go.
        case wait
        /// A call is to be answered: `answer` or `fail`, or neither when `isOneway`.
        case call(CallMessage)
        /// The dialogue has ended.
        case close
    }

    private enum State {
        /// Calls are taken.
        case ready
        /// Replies to a call come one after another; other calls wait.
        case streaming(Stream)
        /// The client does not speak the protocol. Once it has taken the error, the dialogue has ended.
        case ending
    }

    fileprivate struct Stream {
        let pace: VarlinkPace
        /// Whether replies before the last one are wanted.
        let wantsMore: Bool
        let next: @Sendable () throws(VarlinkError) -> VarlinkReplyStep
        /// When the next reply is to be asked for, in nanoseconds; nil to wait for a change.
        var due: UInt64?
        /// A change does not make the next reply due before this, in nanoseconds.
        var earliest: UInt64
    }

    private var state = State.ready
    private var framing: MessageFraming
    private var inputEnded = false
    private var outbox: ArraySlice<UInt8> = []
    /// What goes with the first byte of `output`.
    package private(set) var outgoingDescriptor: Descriptor?
    private var passed = PassedDescriptor()

    /// - Parameter requestLimit: the longest message taken, in bytes.
    package init(requestLimit: Int) {
        framing = MessageFraming(limit: requestLimit)
    }

    /// The bytes that wait to be sent.
    package var output: ArraySlice<UInt8> { outbox }

    /// Whether bytes of the client are welcome now.
    package var wantsInput: Bool { isReady && !framing.hasMessage && !inputEnded }

    /// Whether `step` would give a call, or close.
    package var canStep: Bool {
        if case .ending = state { return outbox.isEmpty }
        return isReady && (framing.hasMessage || inputEnded)
    }

    /// Whether no call is under way, so that closing takes nothing from the client.
    package var isIdle: Bool { wantsInput }

    /// When the stream has to be asked for a reply, in nanoseconds. Nil without a stream, while only a
    /// change makes one due, and while the client has not taken the previous reply.
    package var streamDue: UInt64? {
        guard case .streaming(let stream) = state, outbox.isEmpty else { return nil }
        return stream.due
    }

    private var isReady: Bool {
        guard case .ready = state else { return false }
        return outbox.isEmpty
    }

    /// - Parameter descriptor: came with the bytes; belongs to the last message that they are part of.
    package mutating func received(
        _ bytes: some Collection<UInt8>, with descriptor: Descriptor? = nil
    ) {
        passed.received(bytes, with: descriptor)
        framing.append(bytes)
    }

    /// Notes that the client sends nothing more. Its calls are still answered.
    package mutating func receivedEnd() {
        inputEnded = true
    }

    package mutating func sent(_ count: Int) {
        outbox = outbox.dropFirst(count)
        outgoingDescriptor = nil
    }

    /// Takes the next call. A message that is no call, or is too long, is answered with an error, and the session ends.
    package mutating func step() -> Step {
        guard canStep else { return .wait }
        if case .ending = state { return .close }
        do {
            guard let text = try framing.next() else { return .close }
            passed.beginCall()
            return .call(try CallMessage(parsing: text))
        } catch {
            return refuse(error)
        }
    }

    private mutating func refuse(_ error: any Error) -> Step {
        state = .ending
        do {
            try fail(.invalidParameter((error as? JSONError)?.member ?? "message"))
            return .wait
        } catch {
            return .close
        }
    }

    /// The descriptor that came with the call that `step` gave. The session lets go of it.
    package mutating func takeDescriptor() -> Descriptor? { passed.take() }

    /// Takes the answer to the call that `step` gave.
    ///
    /// - Parameter wantsMore: whether the client takes several replies.
    /// - Throws: when the reply cannot be encoded.
    package mutating func answer(
        _ answer: VarlinkAnswer, wantsMore: Bool, now: UInt64
    ) throws(JSONError) {
        switch answer {
        case .reply(let value):
            outbox = try frame(ReplyMessage(parameters: value))[...]
        case .replies(let pace, let next):
            state = .streaming(
                Stream(
                    pace: pace, wantsMore: wantsMore, next: next, due: now, earliest: now))
        }
    }

    /// Takes the failure of the call that `step` gave.
    package mutating func fail(_ error: VarlinkError) throws(JSONError) {
        outbox = try frame(ReplyMessage(error))[...]
    }

    /// Takes notice that the signal of the stream was raised. Does nothing without such a stream.
    package mutating func streamChanged() {
        guard case .streaming(var stream) = state, let signal = stream.pace.signal else { return }
        // Progress can wait, the end cannot.
        stream.due = signal.isOver ? 0 : min(stream.due ?? .max, stream.earliest)
        state = .streaming(stream)
    }

    /// Asks the stream for a reply, if it is time.
    package mutating func advanceStream(now: UInt64) throws(JSONError) {
        guard case .streaming(var stream) = state, outbox.isEmpty,
            let due = stream.due, due <= now
        else { return }
        stream.pace.signal?.lower()
        let step: VarlinkReplyStep
        do {
            step = try stream.next()
        } catch {
            state = .ready
            return try fail(error)
        }
        switch step {
        case .none: stream.plan(after: due, now: now, isPaced: false)
        case .item(let value):
            if stream.wantsMore { outbox = try SharedReply(value).message()[...] }
            stream.plan(after: due, now: now, isPaced: true)
        case .shared(let reply):
            if stream.wantsMore { outbox = try reply.message()[...] }
            stream.plan(after: due, now: now, isPaced: true)
        case .last(let value, let socket):
            state = .ready
            outbox = try frame(ReplyMessage(parameters: value))[...]
            outgoingDescriptor = socket
            return
        }
        state = .streaming(stream)
    }
}

extension VarlinkSession.Stream {
    /// Plans when to ask for the next reply.
    ///
    /// - Parameters:
    ///   - due: when this reply was due, in nanoseconds.
    ///   - isPaced: whether there was something to say, so that the next change may have to wait.
    fileprivate mutating func plan(after due: UInt64, now: UInt64, isPaced: Bool) {
        switch pace {
        case .every(let milliseconds):
            // Replies that the client was not ready for are left out, and not sent later.
            let interval = nanoseconds(milliseconds)
            self.due = due + ((now - due) / interval + 1) * interval
        case .onChange(_, let shortest, let longest):
            earliest = isPaced ? now + nanoseconds(shortest) : now
            self.due = wantsMore ? now + nanoseconds(longest) : nil
        }
    }

    private func nanoseconds(_ milliseconds: Int) -> UInt64 {
        UInt64(max(1, milliseconds)) * 1_000_000
    }
}

extension VarlinkPace {
    /// What tells of changes; nil for a pace that only time sets.
    var signal: ChangeSignal? {
        guard case .onChange(let signal, _, _) = self else { return nil }
        return signal
    }
}

// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import Synchronization
import Testing
import Varlink

@Suite(
    "Sessions: calls, slow readers, streams and changes, as scripts")
struct SessionTests {
    private static let millisecond: UInt64 = 1_000_000

    private static func call(_ method: String) -> [UInt8] {
        Array(#"{"method":"\#(method)"}"#.utf8) + [0]
    }

    /// The method of the next call, "wait" or "close".
    private static func step(_ session: inout VarlinkSession) -> String {
        switch session.step() {
        case .wait: "wait"
        case .close: "close"
        case .call(let message): message.method
        }
    }

    private static func takeOutput(_ session: inout VarlinkSession) -> String {
        let text = String(decoding: session.output, as: UTF8.self)
        session.sent(session.output.count)
        return text.replacing("\0", with: "")
    }

    /// A stream that counts to four and then fails.
    private static func counter() -> VarlinkAnswer {
        let counter = Counter()
        return .replies(.every(milliseconds: 10)) { () throws(VarlinkError) in
            let count = counter.value.add(1, ordering: .relaxed).newValue
            guard count <= 4 else { throw .permissionDenied }
            return .item(["n": count])
        }
    }

    private final class Counter: Sendable {
        let value = Atomic(0)
    }

    @Test("Calls that came together are taken one by one, each after the reply before it has gone")
    func pipelining() throws {
        var session = VarlinkSession(requestLimit: 100)
        session.received(Self.call("a.B") + Self.call("a.C"))
        #expect(!session.wantsInput)
        #expect(Self.step(&session) == "a.B")
        try session.answer(.reply(["x": 1]), wantsMore: true, now: 0)
        #expect(Self.step(&session) == "wait")
        #expect(!session.canStep)
        #expect(Self.takeOutput(&session) == #"{"parameters":{"x":1}}"#)
        #expect(Self.step(&session) == "a.C")
        try session.fail(.methodNotFound("a.C"))
        #expect(
            Self.takeOutput(&session)
                == #"{"error":"org.varlink.service.MethodNotFound","parameters":{"method":"a.C"}}"#)
        #expect(Self.step(&session) == "wait")
        #expect(session.wantsInput && session.isIdle)
    }

    @Test("A reply that has gone in part keeps the session busy")
    func partialOutput() throws {
        var session = VarlinkSession(requestLimit: 100)
        session.received(Self.call("a.B"))
        _ = session.step()
        try session.answer(.reply(["x": 1]), wantsMore: true, now: 0)
        session.sent(3)
        #expect(!session.isIdle && !session.wantsInput)
        #expect(Self.takeOutput(&session) == #"arameters":{"x":1}}"#)
        #expect(session.isIdle)
    }

    @Test("What was asked before the client ended is answered, then the session closes")
    func endOfInput() throws {
        var session = VarlinkSession(requestLimit: 100)
        session.received(Self.call("a.B") + Array("{\"meth".utf8))
        session.receivedEnd()
        #expect(Self.step(&session) == "a.B")
        try session.answer(.reply(["x": 1]), wantsMore: true, now: 0)
        #expect(Self.step(&session) == "wait")
        _ = Self.takeOutput(&session)
        #expect(Self.step(&session) == "close")
    }

    @Test("A stream gives an item at once and one each interval")
    func stream() throws {
        var session = VarlinkSession(requestLimit: 100)
        session.received(Self.call("a.B"))
        _ = session.step()
        try session.answer(Self.counter(), wantsMore: true, now: 7)
        #expect(session.streamDue == 7)
        try session.advanceStream(now: 7)
        #expect(session.streamDue == nil)
        #expect(Self.takeOutput(&session) == #"{"continues":true,"parameters":{"n":1}}"#)
        #expect(session.streamDue == 7 + 10 * Self.millisecond)
        try session.advanceStream(now: 8)
        #expect(session.output.isEmpty)
        try session.advanceStream(now: 7 + 10 * Self.millisecond)
        #expect(Self.takeOutput(&session) == #"{"continues":true,"parameters":{"n":2}}"#)
    }

    @Test("A slow reader misses items; none is made up for")
    func slowReader() throws {
        var session = VarlinkSession(requestLimit: 100)
        session.received(Self.call("a.B"))
        _ = session.step()
        try session.answer(Self.counter(), wantsMore: true, now: 0)
        try session.advanceStream(now: 0)
        for time in 1...9 { try session.advanceStream(now: UInt64(time) * 10 * Self.millisecond) }
        #expect(Self.takeOutput(&session) == #"{"continues":true,"parameters":{"n":1}}"#)
        try session.advanceStream(now: 95 * Self.millisecond)
        #expect(Self.takeOutput(&session) == #"{"continues":true,"parameters":{"n":2}}"#)
        #expect(session.streamDue == 100 * Self.millisecond)
    }

    @Test("Calls behind a stream wait until it has failed")
    func callsBehindAStream() throws {
        var session = VarlinkSession(requestLimit: 100)
        session.received(Self.call("a.B") + Self.call("a.C"))
        _ = session.step()
        try session.answer(Self.counter(), wantsMore: true, now: 0)
        for time in 0..<4 {
            try session.advanceStream(now: UInt64(time) * 10 * Self.millisecond)
            _ = Self.takeOutput(&session)
            #expect(!session.canStep && !session.isIdle)
        }
        try session.advanceStream(now: 40 * Self.millisecond)
        #expect(Self.takeOutput(&session).contains("PermissionDenied"))
        #expect(session.streamDue == nil)
        #expect(Self.step(&session) == "a.C")
    }

    /// A stream that says nothing, then an item, nothing, another item, and the last thing.
    private static func work() -> VarlinkAnswer {
        let counter = Counter()
        return .replies(.every(milliseconds: 10)) {
            let count = counter.value.add(1, ordering: .relaxed).newValue
            return switch count {
            case 1, 3: .none
            case 2, 4: .item(["n": count])
            default: .last(["n": count])
            }
        }
    }

    /// What a stream of `work` sends in its first five turns, and the session after that.
    private static func turns(
        wantsMore: Bool
    ) throws -> (sent: [String], session: VarlinkSession) {
        var session = VarlinkSession(requestLimit: 100)
        session.received(Self.call("a.B") + Self.call("a.C"))
        _ = session.step()
        try session.answer(Self.work(), wantsMore: wantsMore, now: 0)
        let sent = try (0..<5).map { turn in
            #expect(!session.canStep && !session.isIdle)
            #expect(session.streamDue == UInt64(turn) * 10 * millisecond)
            try session.advanceStream(now: UInt64(turn) * 10 * millisecond)
            return takeOutput(&session)
        }
        return (sent, session)
    }

    @Test("A stream that has nothing to say is asked again an interval later")
    func nothingYet() throws {
        let sent = try Self.turns(wantsMore: true).sent
        #expect(
            sent == [
                "", #"{"continues":true,"parameters":{"n":2}}"#, "",
                #"{"continues":true,"parameters":{"n":4}}"#, #"{"parameters":{"n":5}}"#,
            ])
    }

    @Test("A client that takes one reply gets the last one")
    func withoutMore() throws {
        let sent = try Self.turns(wantsMore: false).sent
        #expect(sent == ["", "", "", "", #"{"parameters":{"n":5}}"#])
    }

    @Test("After the last reply of a stream the next call is taken", arguments: [true, false])
    func afterTheLast(wantsMore: Bool) throws {
        var session = try Self.turns(wantsMore: wantsMore).session
        #expect(session.streamDue == nil)
        #expect(Self.step(&session) == "a.C")
        try session.answer(.reply(["x": 1]), wantsMore: true, now: 0)
        #expect(Self.takeOutput(&session) == #"{"parameters":{"x":1}}"#)
    }

    // MARK: Streams that wait for changes

    /// A session with a stream that counts, and is asked for its replies when the signal is raised, at most every
    /// 100 ms and at least every second.
    private static func counting(
        _ signal: ChangeSignal, wantsMore: Bool = true,
        saying step: @escaping @Sendable (Int) -> VarlinkReplyStep
    ) throws -> VarlinkSession {
        var session = VarlinkSession(requestLimit: 100)
        session.received(Self.call("a.B"))
        _ = session.step()
        let counter = Counter()
        let answer = VarlinkAnswer.replies(.onChange(signal, shortest: 100, longest: 1_000)) {
            step(counter.value.add(1, ordering: .relaxed).newValue)
        }
        try session.answer(answer, wantsMore: wantsMore, now: 0)
        return session
    }

    private static func item(_ number: Int) -> VarlinkReplyStep { .item(["n": number]) }

    @Test("A change makes the next reply due, no sooner than the shortest interval")
    func change() throws {
        let signal = ChangeSignal()
        var session = try Self.counting(signal, saying: Self.item)
        try session.advanceStream(now: 0)
        #expect(Self.takeOutput(&session) == #"{"continues":true,"parameters":{"n":1}}"#)
        session.streamChanged()
        #expect(session.streamDue == 100 * Self.millisecond)
        try session.advanceStream(now: 99 * Self.millisecond)
        #expect(session.output.isEmpty)
        try session.advanceStream(now: 100 * Self.millisecond)
        #expect(Self.takeOutput(&session) == #"{"continues":true,"parameters":{"n":2}}"#)
        // Later changes are due at once.
        session.streamChanged()
        try session.advanceStream(now: 250 * Self.millisecond)
        #expect(Self.takeOutput(&session) == #"{"continues":true,"parameters":{"n":3}}"#)
    }

    @Test("The end is told at once, however short ago the previous reply was", arguments: [true, false])
    func end(wantsMore: Bool) throws {
        let signal = ChangeSignal()
        var session = try Self.counting(signal, wantsMore: wantsMore) {
            $0 < 2 ? .item(["n": $0]) : .last(["n": $0])
        }
        try session.advanceStream(now: 5 * Self.millisecond)
        _ = Self.takeOutput(&session)
        signal.raise()
        session.streamChanged()
        signal.raiseLast()
        session.streamChanged()
        try session.advanceStream(now: 6 * Self.millisecond)
        #expect(Self.takeOutput(&session) == #"{"parameters":{"n":2}}"#)
    }

    @Test("Without a change, a reply is due after the longest interval")
    func noChange() throws {
        var session = try Self.counting(ChangeSignal(), saying: Self.item)
        try session.advanceStream(now: 0)
        _ = Self.takeOutput(&session)
        #expect(session.streamDue == 1_000 * Self.millisecond)
        try session.advanceStream(now: 1_000 * Self.millisecond)
        #expect(Self.takeOutput(&session) == #"{"continues":true,"parameters":{"n":2}}"#)
    }

    @Test("A change is looked at at once while there was nothing to say")
    func nothingSaid() throws {
        var session = try Self.counting(ChangeSignal()) { $0 < 3 ? .none : .last(["n": $0]) }
        for time in [0, 1, 2] {
            try session.advanceStream(now: UInt64(time))
            session.streamChanged()
        }
        #expect(Self.takeOutput(&session) == #"{"parameters":{"n":3}}"#)
    }

    @Test("A client that takes one reply makes no work but for changes")
    func oneReply() throws {
        var session = try Self.counting(ChangeSignal(), wantsMore: false) {
            $0 < 3 ? .item(["n": $0]) : .last(["n": $0])
        }
        try session.advanceStream(now: 0)
        #expect(session.streamDue == nil && session.output.isEmpty)
        session.streamChanged()
        try session.advanceStream(now: 100 * Self.millisecond)
        #expect(session.streamDue == nil && session.output.isEmpty)
        session.streamChanged()
        try session.advanceStream(now: 200 * Self.millisecond)
        #expect(Self.takeOutput(&session) == #"{"parameters":{"n":3}}"#)
    }

    @Test("A change while the client has not taken a reply is told afterwards")
    func slowClient() throws {
        var session = try Self.counting(ChangeSignal(), saying: Self.item)
        try session.advanceStream(now: 0)
        session.streamChanged()
        #expect(session.streamDue == nil)
        try session.advanceStream(now: 500 * Self.millisecond)
        #expect(Self.takeOutput(&session) == #"{"continues":true,"parameters":{"n":1}}"#)
        #expect(session.streamDue == 100 * Self.millisecond)
    }

    @Test("The flag is lowered before the method is asked, so that no change is lost")
    func lowered() throws {
        let signal = ChangeSignal()
        let calls = Counter()
        signal.listen { calls.value.add(1, ordering: .relaxed) }
        var session = try Self.counting(signal) { number in
            // A change while the answer is being made.
            signal.raise()
            return .item(["n": number])
        }
        signal.raise()
        try session.advanceStream(now: 0)
        #expect(calls.value.load(ordering: .relaxed) == 2)
    }

    @Test("A late change of an operation that is over disturbs no other stream")
    func lateChange() throws {
        var session = VarlinkSession(requestLimit: 100)
        session.streamChanged()
        session.received(Self.call("a.B"))
        _ = session.step()
        try session.answer(Self.counter(), wantsMore: true, now: 0)
        try session.advanceStream(now: 0)
        _ = Self.takeOutput(&session)
        session.streamChanged()
        #expect(session.streamDue == 10 * Self.millisecond)
    }

    /// The reply to a message that is no call.
    private static func refusal(_ member: String) -> String {
        #"{"error":"org.varlink.service.InvalidParameter","parameters":{"parameter":"\#(member)"}}"#
    }

    @Test(
        "A message that is no call is answered with an error that names what is wrong, and the session closes",
        arguments: [
            ("", "message"), ("x", "message"), ("[]", "message"), ("{}", "method"),
            ("1", "message"), ("null", "message"), (#"{"method":1}"#, "method"),
            (#"{"method":null}"#, "method"), (#"{"method":"a.B","more":"yes"}"#, "more"),
            (#"{"method":"a.B","oneway":1}"#, "oneway"), ("{\"method\":\"a.B\"", "message"),
            (String(repeating: "x", count: 101), "message"),
        ])
    func malformed(message: String, member: String) {
        var session = VarlinkSession(requestLimit: 100)
        session.received(Array(message.utf8) + [0] + Self.call("a.B"))
        #expect(Self.step(&session) == "wait")
        #expect(!session.canStep && !session.wantsInput && !session.isIdle)
        #expect(Self.takeOutput(&session) == Self.refusal(member))
        #expect(session.canStep && !session.wantsInput)
        #expect(Self.step(&session) == "close")
    }

    @Test("A message without an end is refused once it is too long")
    func endless() {
        var session = VarlinkSession(requestLimit: 100)
        session.received([UInt8](repeating: 0x20, count: 101))
        #expect(Self.step(&session) == "wait")
        #expect(Self.takeOutput(&session) == Self.refusal("message"))
        #expect(Self.step(&session) == "close")
    }

    @Test(
        "A reply that several clients get reaches each that takes several, in the same bytes", arguments: [true, false])
    func shared(wantsMore: Bool) throws {
        let reply = SharedReply(["n": 1])
        for _ in 0..<2 {
            var session = VarlinkSession(requestLimit: 100)
            session.received(Self.call("a.B"))
            _ = session.step()
            try session.answer(
                .replies(.every(milliseconds: 10)) { .shared(reply) }, wantsMore: wantsMore, now: 0)
            try session.advanceStream(now: 0)
            #expect(
                Self.takeOutput(&session)
                    == (wantsMore ? #"{"continues":true,"parameters":{"n":1}}"# : ""))
            #expect(session.streamDue == 10 * Self.millisecond)
        }
    }
}

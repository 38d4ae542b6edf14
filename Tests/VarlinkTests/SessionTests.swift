// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import Varlink

@Suite("Sessions")
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
        return .stream(everyMilliseconds: 10) { () throws(VarlinkError) in
            let count = counter.value.add(1, ordering: .relaxed).newValue
            guard count <= 4 else { throw .permissionDenied }
            return ["n": count]
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
        try session.answer(.reply(["x": 1]), now: 0)
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
        try session.answer(.reply(["x": 1]), now: 0)
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
        try session.answer(.reply(["x": 1]), now: 0)
        #expect(Self.step(&session) == "wait")
        _ = Self.takeOutput(&session)
        #expect(Self.step(&session) == "close")
    }

    @Test("A stream gives an item at once and one each interval")
    func stream() throws {
        var session = VarlinkSession(requestLimit: 100)
        session.received(Self.call("a.B"))
        _ = session.step()
        try session.answer(Self.counter(), now: 7)
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
        try session.answer(Self.counter(), now: 0)
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
        try session.answer(Self.counter(), now: 0)
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

    @Test(
        "What is no call closes the session",
        arguments: [
            "", "x", "[]", "{}", "1", "null", #"{"method":1}"#, #"{"method":null}"#,
            #"{"method":"a.B","more":"yes"}"#, #"{"method":"a.B","oneway":1}"#,
            "{\"method\":\"a.B\"",
        ])
    func malformed(message: String) {
        var session = VarlinkSession(requestLimit: 100)
        session.received(Array(message.utf8) + [0] + Self.call("a.B"))
        #expect(Self.step(&session) == "close")
    }
}

// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import Synchronization
import TestSupport
import Testing
import Varlink

@Suite(
    "A Varlink server and clients that do wrong: garbage, clients that do not read, die, or send too much; an idle server sleeps",
    .timeLimit(.minutes(5)))
struct HostileClientTests {
    private static let echo = #"{"method":"org.example.test.Echo"}"#

    /// Whether the peer gets an error that says its message was no call, and then the end.
    private static func isRefused(_ peer: RawPeer) -> Bool {
        peer.receive()?.contains("org.varlink.service.InvalidParameter") == true
            && peer.receive() == nil
    }

    @Test(
        "A message that is no call is answered with an error, and the connection is closed",
        arguments: [
            "", "x", "[]", "{}", "{\"method\":1}", "\u{7f}\u{1}", "{\"method\":\"a.B\"",
            #"{"method":"org.example.test.Echo","more":3}"#,
            String(repeating: "[", count: 60_000),
            #"{"method":"org.example.test.Echo","parameters":"#
                + String(repeating: "[[[[[[[[[[{\"a\":", count: 1_000),
            #"{"method":"org.example.test.Echo","parameters":{"a":\#(nested(7))}}"#,
        ])
    func malformed(message: String) throws {
        let server = try ExampleServer()
        let peer = try server.peer()
        peer.send(message, Self.echo)
        #expect(Self.isRefused(peer))
        #expect(try server.client().echo(1) == ["value": .integer(1)])
    }

    /// Arrays in arrays, so many levels deep.
    private static func nested(_ depth: Int) -> String {
        String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }

    @Test("A call that is nested eight levels deep is answered")
    func deepest() throws {
        let server = try ExampleServer()
        let peer = try server.peer()
        peer.send(#"{"method":"org.example.test.Echo","parameters":{"a":\#(Self.nested(6))}}"#)
        #expect(peer.receive() == #"{"parameters":{"a":\#(Self.nested(6))}}"#)
    }

    @Test("What was asked before a malformed message is answered")
    func answeredBefore() throws {
        let server = try ExampleServer()
        let peer = try server.peer()
        peer.send(Self.echo, "x", Self.echo)
        #expect(peer.receive() == #"{"parameters":{}}"#)
        #expect(Self.isRefused(peer))
    }

    @Test("Random bytes do no harm")
    func randomBytes() throws {
        let server = try ExampleServer()
        var random = SeededGenerator(3)
        for _ in 0..<200 {
            let peer = try server.peer()
            peer.send(random.bytes(Int.random(in: 1...2_000, using: &random)) + [0])
            #expect(Self.isRefused(peer))
        }
        #expect(try server.client().echo(1) == ["value": .integer(1)])
    }

    @Test("Calls with random damage are answered or close the connection")
    func damagedCalls() throws {
        let server = try ExampleServer(maximumConnections: 2)
        var random = SeededGenerator(4)
        let call = Array(#"{"method":"org.example.test.Echo","parameters":{"a":[1,"b"]}}"#.utf8)
        for _ in 0..<500 {
            var damaged = call
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: damaged.indices, using: &random)
                damaged[place] = UInt8.random(in: 1...255, using: &random)
            }
            let peer = try server.peer()
            peer.send(damaged + [0])
            peer.endSending()
            #expect(peer.receive() != nil)
            while peer.receive() != nil {}
        }
        #expect(try server.client().echo(1) == ["value": .integer(1)])
    }

    @Test("A truncated call is not answered")
    func truncated() throws {
        let server = try ExampleServer()
        let peer = try server.peer()
        peer.send(Array(Self.echo.utf8))
        peer.endSending()
        #expect(peer.isClosedInSilence())
    }

    @Test("A message as long as the limit is answered, a longer one closes the connection")
    func oversized() throws {
        let server = try ExampleServer(requestLimit: 1_000)
        let text = String(repeating: " ", count: 1_000 - Self.echo.utf8.count)
        let peer = try server.peer()
        peer.send(Self.echo + text)
        #expect(peer.receive() == #"{"parameters":{}}"#)
        peer.send(Self.echo + text + " ")
        #expect(Self.isRefused(peer))
        let endless = try server.peer()
        endless.send([UInt8](repeating: 0x20, count: 1_001))
        #expect(Self.isRefused(endless))
    }

    @Test("A reply that has no JSON text closes the connection, and only that")
    func notRepresentable() throws {
        let server = try ExampleServer()
        let peer = try server.peer()
        peer.send(#"{"method":"org.example.test.NotANumber"}"#)
        #expect(peer.isClosedInSilence())
        #expect(try server.client().echo(1) == ["value": .integer(1)])
    }

    @Test("A client that asks and does not read is not read from, and nobody waits for it")
    func notReading() throws {
        let server = try ExampleServer()
        let greedy = try server.peer()
        let calls = 200
        let call = Array(#"{"method":"org.example.test.Big"}"#.utf8) + [0]
        greedy.send((0..<calls).flatMap { _ in call })
        let client = try server.client()
        for number in 0..<500 { _ = try client.echo(Int64(number)) }
        // Only what the socket's own buffer holds (some 200 KiB) has been produced.
        #expect(server.interface.bigReplies.load(ordering: .relaxed) < 20)
        for _ in 0..<calls { #expect(greedy.receive()?.utf8.count ?? 0 > 100_000) }
        #expect(server.interface.bigReplies.load(ordering: .relaxed) == calls)
    }

    @Test("A stream that nobody reads makes no items beyond what the socket holds")
    func streamNotRead() throws {
        let server = try ExampleServer()
        let greedy = try server.peer()
        greedy.send(#"{"method":"org.example.test.BigStream","more":true}"#)
        #expect(greedy.receive() != nil)
        var items = 0
        try server.client().stream("org.example.test.Count", returning: JSONValue.self) { _ in
            items += 1
            return items < 300 ? .proceed : .stop
        }
        #expect(server.interface.bigReplies.load(ordering: .relaxed) < 20)
    }

    @Test("A client that dies while it is answered harms nobody", arguments: ["Big", "BigStream"])
    func dying(method: String) throws {
        let server = try ExampleServer()
        for _ in 0..<50 {
            let peer = try server.peer()
            for _ in 0..<5 { peer.send(#"{"method":"org.example.test.\#(method)","more":true}"#) }
        }
        #expect(try server.client().echo(1) == ["value": .integer(1)])
    }

    @Test("Without anything to do, the server's thread sleeps")
    func idle() throws {
        let server = try ExampleServer()
        let silent = try server.peer()
        let client = try server.client()
        let thread = try #require(
            try client.call("org.example.test.Thread", returning: [String: String].self)["path"])
        // It may have something to finish at first.
        let sleeps = try eventually {
            let before = try Self.schedulerState(of: thread)
            usleep(300_000)
            let after = try Self.schedulerState(of: thread)
            return before.isAsleep && after.switches == before.switches
        }
        #expect(sleeps)
        withExtendedLifetime(silent) {}
    }

    private static func schedulerState(
        of thread: String
    ) throws -> (isAsleep: Bool, switches: String) {
        let status = try String(
            contentsOfFile: "\(thread)/status", encoding: .utf8)
        let lines = status.split(separator: "\n")
        let switches = lines.first { $0.hasPrefix("voluntary_ctxt_switches") }
        return (
            lines.contains { $0.hasPrefix("State:\tS") }, String(try #require(switches))
        )
    }
}

// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
import TestSupport
import Testing
import Varlink

@Suite(
    "A Varlink server and what clients say: the service's own methods, streams, one-way calls",
    .timeLimit(.minutes(5)))
struct ProtocolTests {
    private static func call(_ method: String, _ rest: String = "") -> String {
        #"{"method":"org.example.test.\#(method)"\#(rest)}"#
    }

    @Test("A call is answered with its reply")
    func call() throws {
        let server = try ExampleServer()
        let peer = try server.peer()
        peer.send(Self.call("Echo", #","parameters":{"b":[1,2.5],"a":"é/"}"#))
        #expect(peer.receive() == #"{"parameters":{"a":"é/","b":[1,2.5]}}"#)
    }

    @Test(
        "Absent, null and empty parameters are the same",
        arguments: ["", #","parameters":null"#, #","parameters":{}"#])
    func emptyParameters(parameters: String) throws {
        let server = try ExampleServer()
        let peer = try server.peer()
        peer.send(Self.call("Echo", parameters))
        #expect(peer.receive() == #"{"parameters":{}}"#)
    }

    @Test(
        "A call that cannot be done is answered with the right error",
        arguments: [
            ("org.example.test.Nothing", "", "MethodNotFound", "method"),
            ("org.example.other.Echo", "", "InterfaceNotFound", "interface"),
            ("Echo", "", "InterfaceNotFound", "interface"),
            ("", "", "InterfaceNotFound", "interface"),
            ("org.example.test.", "", "MethodNotFound", "method"),
            ("org.example.test.Echo", #","parameters":[1]"#, "InvalidParameter", "parameter"),
            ("org.example.test.Echo", #","upgrade":true"#, "InvalidParameter", "parameter"),
            ("org.example.test.Note", "", "InvalidParameter", "parameter"),
            (
                "org.example.test.Note", #","parameters":{"text":1}"#, "InvalidParameter",
                "parameter"
            ),
            (
                "org.example.test.Note", #","parameters":{"text":"","txet":""}"#,
                "InvalidParameter", "parameter"
            ),
            ("org.example.test.Count", "", "ExpectedMore", nil),
            ("org.varlink.service.Nothing", "", "MethodNotFound", "method"),
            (
                "org.varlink.service.GetInterfaceDescription",
                #","parameters":{"interface":"a.b"}"#,
                "InterfaceNotFound", "interface"
            ),
            (
                "org.varlink.service.GetInterfaceDescription", "", "InvalidParameter", "parameter"
            ),
        ])
    func errors(method: String, rest: String, error: String, field: String?) throws {
        let server = try ExampleServer()
        let peer = try server.peer()
        peer.send(#"{"method":"\#(method)"\#(rest)}"#, Self.call("Echo"))
        let reply = try decodeJSON(JSONValue.self, from: try #require(peer.receive()).utf8)
        #expect(reply["error"] == .string("org.varlink.service.\(error)"))
        if let field { #expect(reply["parameters"]?[field]?.string != nil) }
        #expect(peer.receive() == #"{"parameters":{}}"#)
    }

    @Test(
        "A parameter that is wrong is named",
        arguments: [(#"{"text":1}"#, "text"), (#"{"text":"","zzz":1}"#, "zzz"), ("{}", "text")])
    func namedParameter(parameters: String, name: String) throws {
        let server = try ExampleServer()
        let peer = try server.peer()
        peer.send(Self.call("Note", #","parameters":\#(parameters)"#))
        let reply = try decodeJSON(JSONValue.self, from: try #require(peer.receive()).utf8)
        #expect(reply["parameters"]?["parameter"] == .string(name))
    }

    @Test("Calls in one piece are answered in order")
    func pipelining() throws {
        let server = try ExampleServer()
        let peer = try server.peer()
        let calls = (0..<1_000).map { Self.call("Echo", #","parameters":{"n":\#($0)}"#) }
        peer.send(calls.flatMap { Array($0.utf8) + [0] })
        for number in 0..<1_000 {
            #expect(peer.receive() == #"{"parameters":{"n":\#(number)}}"#)
        }
    }

    @Test("A call that comes byte by byte is answered")
    func byteByByte() throws {
        let server = try ExampleServer()
        let peer = try server.peer()
        for byte in Array(Self.call("Echo").utf8) + [0] { peer.send([byte]) }
        #expect(peer.receive() == #"{"parameters":{}}"#)
    }

    @Test("A client that has ended sending still gets its replies")
    func halfClosed() throws {
        let server = try ExampleServer()
        let peer = try server.peer()
        peer.send(Self.call("Echo"), Self.call("Big"), Self.call("Echo"))
        peer.endSending()
        #expect(peer.receive() == #"{"parameters":{}}"#)
        #expect(peer.receive()?.utf8.count ?? 0 > 100_000)
        #expect(peer.receive() == #"{"parameters":{}}"#)
        #expect(peer.receive() == nil)
    }

    @Test("One-way calls are done in order and not answered, not even with an error")
    func oneway() throws {
        let server = try ExampleServer()
        let peer = try server.peer()
        peer.send(
            Self.call("Note", #","parameters":{"text":"1"},"oneway":true"#),
            Self.call("Fail", #","oneway":true"#),
            Self.call("Count", #","oneway":true,"more":true"#),
            Self.call("Note", #","parameters":{"text":"2"},"oneway":true"#),
            Self.call("Notes"))
        #expect(peer.receive() == #"{"parameters":{"notes":["1","2"]}}"#)
    }

    @Test("One-way calls of a client that has gone at once are done")
    func onewayAndGone() throws {
        let server = try ExampleServer()
        do {
            let peer = try server.peer()
            for text in 1...5 {
                peer.send(Self.call("Note", #","parameters":{"text":"\#(text)"},"oneway":true"#))
            }
        }
        let client = try server.client()
        while server.interface.notes.withLock({ $0.count }) < 5 { _ = try client.echo(0) }
        let notes = server.interface.notes.withLock { $0 }
        #expect(notes == ["1", "2", "3", "4", "5"])
    }

    @Test("A stream continues until it fails; then the calls behind it are answered")
    func stream() throws {
        let server = try ExampleServer()
        let peer = try server.peer()
        peer.send(Self.call("CountToThree", #","more":true"#), Self.call("Echo"))
        for number in 1...3 {
            #expect(peer.receive() == #"{"continues":true,"parameters":{"n":\#(number)}}"#)
        }
        #expect(peer.receive() == #"{"error":"org.example.test.Over","parameters":{}}"#)
        #expect(peer.receive() == #"{"parameters":{}}"#)
    }

    @Test("A call with more of a method that has one reply gets one without continues")
    func moreOfOne() throws {
        let server = try ExampleServer()
        let peer = try server.peer()
        peer.send(Self.call("Echo", #","more":true"#))
        #expect(peer.receive() == #"{"parameters":{}}"#)
    }

    @Test("A change on another thread wakes the server, which is not polling meanwhile")
    func changes() throws {
        let server = try ExampleServer()
        let job = server.interface.job
        let peer = try server.peer()
        peer.send(Self.call("Job", #","more":true"#))
        #expect(peer.receive() == #"{"continues":true,"parameters":{"done":0}}"#)
        for number in 1...50 {
            let looks = job.looks
            job.advance()
            #expect(peer.receive() == #"{"continues":true,"parameters":{"done":\#(number)}}"#)
            #expect(job.looks == looks + 1)
        }
        job.advance(isOver: true)
        #expect(peer.receive() == #"{"parameters":{"done":51}}"#)
    }

    @Test("A change that comes while nobody listens any more harms nobody")
    func lateChanges() throws {
        let server = try ExampleServer()
        do {
            let peer = try server.peer()
            peer.send(Self.call("Job", #","more":true"#))
            #expect(peer.receive() != nil)
        }
        for _ in 0..<50 { server.interface.job.advance() }
        #expect(try server.client().echo(1) == ["value": .integer(1)])
    }

    @Test(
        "Numbers of parameters are read however they are written", arguments: ["3", "3.0", "0.3e1"])
    func numbers(text: String) throws {
        let server = try ExampleServer()
        let peer = try server.peer()
        peer.send(Self.call("Echo", #","parameters":{"n":\#(text)}"#))
        #expect(peer.receive() == #"{"parameters":{"n":3}}"#)
    }

    @Test("The service describes itself")
    func introspection() throws {
        let server = try ExampleServer()
        let client = try server.client()
        let info = try client.call("org.varlink.service.GetInfo", returning: JSONValue.self)
        #expect(
            info == [
                "vendor": .string("Example"), "product": .string("test"), "version": .string("1"),
                "url": .string("https://example.org"),
                "interfaces": .array([.string("org.example.test"), .string("org.varlink.service")]),
            ])
        for name in ["org.example.test", "org.varlink.service"] {
            let reply = try client.call(
                "org.varlink.service.GetInterfaceDescription", ["interface": name],
                returning: [String: String].self)
            #expect(reply["description"]?.contains("interface \(name)\n") == true)
        }
    }

    @Test("Handlers learn who calls")
    func credentials() throws {
        let server = try ExampleServer()
        let who = try server.client().call(
            "org.example.test.Who", returning: [String: Int].self)
        #expect(who == ["pid": Int(getpid()), "uid": Int(getuid())])
    }
}

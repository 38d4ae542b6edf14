// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import TestSupport
import Testing
import Varlink

@Suite(
    "A Varlink client: replies, streams, errors, one-way calls, time limits, wrong replies",
    .timeLimit(.minutes(5)))
struct ClientTests {
    /// A service that says the same to everybody who connects, whatever is asked, and closes.
    private static func connect(
        toServiceSaying bytes: [UInt8], _ body: (VarlinkClient) throws -> Void
    ) throws {
        let directory = TemporaryDirectory()
        let listener = try UnixListener(path: directory.file("s"), mode: 0o600)
        let client = try VarlinkClient(path: directory.file("s"))
        let connection = try #require(try listener.accept())
        _ = bytes.withUnsafeBytes { write(connection.raw, $0.baseAddress, $0.count) }
        shutdown(connection.raw, Int32(SHUT_WR))
        try body(client)
    }

    @Test("Says that nobody listens")
    func unreachable() throws {
        let path = TemporaryDirectory().file("s")
        #expect(
            throws: VarlinkClientError.unreachable(
                SystemError("connect to", path, code: ENOENT))
        ) { try VarlinkClient(path: path) }
    }

    @Test("Says that it may not connect")
    func notPermitted() throws {
        let server = try ExampleServer()
        let path = server.path
        chmod(path, 0)
        let error = try asNobody { () -> VarlinkClientError? in
            do throws(VarlinkClientError) {
                _ = try VarlinkClient(path: path)
                return nil
            } catch {
                return error
            }
        }
        #expect(error == .notPermitted(SystemError("connect to", path, code: EACCES)))
    }

    @Test("Passes on an error, and goes on")
    func remoteError() throws {
        let server = try ExampleServer()
        let client = try server.client()
        let broken = VarlinkError(name: "org.example.test.Broken", parameters: ["why": .null])
        #expect(throws: VarlinkClientError.remote(broken)) {
            try client.call("org.example.test.Fail", returning: JSONValue.self)
        }
        #expect(try client.echo(1) == ["value": .integer(1)])
    }

    @Test("Gets replies until it wants no more; then the connection is closed")
    func stream() throws {
        let server = try ExampleServer()
        let client = try server.client()
        var numbers: [Int] = []
        try client.stream("org.example.test.Count", returning: [String: Int].self) { reply in
            numbers.append(reply["n"] ?? 0)
            return numbers.count < 5 ? .proceed : .stop
        }
        #expect(numbers == [1, 2, 3, 4, 5])
        #expect(throws: VarlinkClientError.disconnected) { try client.echo(1) }
    }

    @Test("Says why a stream ended")
    func streamEnds() throws {
        let server = try ExampleServer()
        let client = try server.client()
        let over = VarlinkError(name: "org.example.test.Over")
        #expect(throws: VarlinkClientError.remote(over)) {
            try client.stream("org.example.test.CountToThree", returning: JSONValue.self) { _ in
                .proceed
            }
        }
        #expect(try client.echo(1) == ["value": .integer(1)])
    }

    @Test("Calls one way without waiting")
    func oneway() throws {
        let server = try ExampleServer()
        let client = try server.client()
        try client.send("org.example.test.Note", ["text": "one"])
        try client.send("org.example.test.Fail")
        let notes = try client.call(
            "org.example.test.Notes", returning: [String: [String]].self)
        #expect(notes == ["notes": ["one"]])
    }

    @Test("Gets replies of megabytes")
    func big() throws {
        let server = try ExampleServer(requestLimit: 4_000_000)
        let text = String(repeating: "y", count: 3_000_000)
        let reply = try server.client().call(
            "org.example.test.Echo", ["text": text], returning: [String: String].self,
            timeoutMilliseconds: 120_000)
        #expect(reply["text"] == text)
    }

    @Test("Gives up on a service that does not answer, and does not take a late reply")
    func timeOut() throws {
        let directory = TemporaryDirectory()
        let listener = try UnixListener(path: directory.file("s"), mode: 0o600)
        let client = try VarlinkClient(path: directory.file("s"))
        #expect(throws: VarlinkClientError.timedOut(milliseconds: 20)) {
            try client.call("a.B", returning: JSONValue.self, timeoutMilliseconds: 20)
        }
        #expect(throws: VarlinkClientError.disconnected) { try client.echo(1) }
        withExtendedLifetime(listener) {}
    }

    @Test(
        "Says what is wrong with a reply",
        arguments: [
            ("", .disconnected),
            (#"{"parameters":{}}"#, .disconnected),
            ("x\0", .badReply(.malformed)),
            ("[]\0", .badReply(.mismatch(path: ""))),
            (#"{"error":1}"# + "\0", .badReply(.mismatch(path: "error"))),
            (#"{"parameters":{"n":"x"}}"# + "\0", .badReply(.mismatch(path: "parameters.n"))),
            (String(repeating: "[", count: 99) + "\0", .badReply(.tooDeep)),
        ] as [(String, VarlinkClientError)])
    func badReply(said: String, error: VarlinkClientError) throws {
        try Self.connect(toServiceSaying: Array(said.utf8)) { client in
            #expect(throws: error) { try client.call("a.B", returning: [String: Int].self) }
            #expect(throws: VarlinkClientError.disconnected) { try client.echo(1) }
        }
    }

    @Test(
        "Reads absent, null and empty parameters of a reply alike",
        arguments: ["{}", #"{"parameters":null}"#, #"{"parameters":{}}"#])
    func emptyReply(said: String) throws {
        try Self.connect(toServiceSaying: Array(said.utf8) + [0]) { client in
            let reply = try client.call("a.B", returning: JSONValue.self)
            #expect(reply == [:])
        }
    }
}

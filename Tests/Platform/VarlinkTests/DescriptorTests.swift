// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import TestSupport
import Testing
import Varlink

@Suite(
    "Descriptors that clients pass: whose they are, floods of them", .timeLimit(.minutes(5)))
struct DescriptorTests {
    private static func call(_ method: String) -> [UInt8] {
        Array(#"{"method":"org.example.test.\#(method)"}"#.utf8) + [0]
    }

    private static func reply(_ path: String) -> String { #"{"parameters":{"path":"\#(path)"}}"# }

    private let server: ExampleServer
    private let file: PassedFile

    init() throws {
        server = try ExampleServer()
        file = try PassedFile()
    }

    /// Whether nobody holds the file but this test, now or soon.
    private var isClosedElsewhere: Bool { eventually { file.openCount == 1 } }

    @Test("A call gets what the client passes with it, the next one nothing")
    func ofTheCall() throws {
        let client = try server.client()
        let method = "org.example.test.Descriptor"
        let with = try client.call(
            method, returning: [String: String].self, descriptor: file.descriptor)
        let without = try client.call(method, returning: [String: String].self)
        #expect(with == ["path": file.path])
        #expect(without == ["path": "none"])
        #expect(isClosedElsewhere)
    }

    @Test("A descriptor goes with a reply, once, and the server keeps no copy")
    func withReply() throws {
        let client = try server.client()
        let reply = try client.call(
            "org.example.test.Return", returning: [String: String].self, descriptor: file.descriptor)
        #expect(reply["text"]?.utf8.count == 1_000_000)
        let came = try #require(client.takePassed())
        #expect(client.takePassed() == nil)
        #expect(eventually { file.openCount == 2 })
        #expect(came.raw != file.descriptor.raw)
        _ = try client.call("org.example.test.Return", returning: [String: String].self)
        #expect(client.takePassed() == nil)
    }

    @Test("A client that goes before its reply leaves no descriptor behind")
    func replyToNobody() throws {
        do {
            let peer = try server.peer()
            peer.send(Self.call("Return"), with: file.descriptor)
        }
        #expect(isClosedElsewhere)
    }

    @Test("Of calls that come together, the one it was sent with gets it")
    func pipelined() throws {
        let peer = try server.peer()
        let call = Self.call("Descriptor")
        peer.send(call + call.dropLast(9))
        peer.send(Array(call.suffix(9)), with: file.descriptor)
        peer.send(call)
        let replies = (0..<3).map { _ in peer.receive() }
        #expect(replies == [Self.reply("none"), Self.reply(file.path), Self.reply("none")])
        #expect(isClosedElsewhere)
    }

    @Test("A call that needs none closes it", arguments: ["Echo", "Fail", "Missing", "Count"])
    func unneeded(method: String) throws {
        let peer = try server.peer()
        peer.send(Self.call(method), with: file.descriptor, copies: 3)
        #expect(peer.receive() != nil)
        #expect(isClosedElsewhere)
    }

    @Test(
        "A thousand messages with descriptors leave none behind", arguments: [1, 2, 3] as [Int32])
    func flood(copies: Int32) throws {
        let peer = try server.peer()
        for _ in 0..<1_000 {
            peer.send(Self.call("Descriptor"), with: file.descriptor, copies: copies)
            #expect(peer.receive() == Self.reply(file.path))
        }
        #expect(isClosedElsewhere)
    }

    @Test("Pieces of one message with a descriptor each hold one at most")
    func pieces() throws {
        let peer = try server.peer()
        for _ in 0..<1_000 { peer.send([0x20], with: file.descriptor) }
        peer.send(Self.call("Descriptor"))
        #expect(peer.receive() == Self.reply(file.path))
        #expect(isClosedElsewhere)
    }

    @Test("Garbage with a descriptor, and a call that does not end, leave none behind")
    func garbage() throws {
        var random = SeededGenerator(5)
        for _ in 0..<100 {
            let peer = try server.peer()
            peer.send(random.bytes(200) + [0], with: file.descriptor, copies: 2)
            #expect(peer.receive()?.contains("InvalidParameter") == true)
            #expect(peer.receive() == nil)
            try server.peer().send(Array("{\"method\"".utf8), with: file.descriptor)
        }
        #expect(isClosedElsewhere)
        #expect(try server.client().echo(1) == ["value": .integer(1)])
    }

    @Test("A session holds one at most, and hands it out once")
    func session() throws {
        var session = VarlinkSession(requestLimit: 100)
        session.received(Self.call("A").dropLast(), with: file.descriptor)
        session.received([0] + Self.call("B"), with: try PassedFile().descriptor)
        _ = session.step()
        #expect(session.takeDescriptor() === file.descriptor)
        #expect(session.takeDescriptor() == nil)
        _ = session.step()
        #expect(session.takeDescriptor() == nil)
    }
}

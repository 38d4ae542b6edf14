// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing
import Varlink

@Suite(
    "A Varlink server and many clients: the idlest makes room, changes of the maximum, the end",
    .timeLimit(.minutes(5)))
struct AdmissionTests {
    private static let count = #"{"method":"org.example.test.Count","more":true}"#

    @Test("500 silent clients at once do not keep another one out")
    func fiveHundred() throws {
        let server = try ExampleServer()
        let peers = try (0..<500).map { _ in try server.peer() }
        #expect(try server.client().echo(1) == ["value": .integer(1)])
        #expect(peers.first?.isClosedInSilence() == true)
    }

    @Test("Who has been idle for longest makes room; who has a call under way does not")
    func idlest() throws {
        let server = try ExampleServer(maximumConnections: 3)
        let busy = try server.peer()
        busy.send(Self.count)
        #expect(busy.receive() != nil)
        let older = try server.client()
        let newer = try server.client()
        _ = try older.echo(1)
        _ = try newer.echo(2)
        _ = try older.echo(3)
        #expect(try server.client().echo(4) == ["value": .integer(4)])
        #expect(throws: VarlinkClientError.disconnected) { try newer.echo(5) }
        #expect(try older.echo(6) == ["value": .integer(6)])
        #expect(busy.receive() != nil)
    }

    @Test("When all are busy, the new client is closed")
    func allBusy() throws {
        let server = try ExampleServer(maximumConnections: 2)
        let busy = try (0..<2).map { _ in try server.peer() }
        for peer in busy {
            peer.send(Self.count)
            #expect(peer.receive() != nil)
        }
        #expect(try server.peer().isClosedInSilence())
        for peer in busy { #expect(peer.receive() != nil) }
    }

    @Test("A lower maximum closes idle clients, a higher one admits more")
    func maximum() throws {
        let server = try ExampleServer(maximumConnections: 3)
        let echo = #"{"method":"org.example.test.Echo"}"#
        let peers = try (0..<3).map { _ in
            let peer = try server.peer()
            peer.send(echo)
            #expect(peer.receive() != nil)
            return peer
        }
        server.server.setMaximumConnections(1)
        #expect(peers[0].isClosedInSilence())
        #expect(peers[1].isClosedInSilence())
        peers[2].send(echo)
        #expect(peers[2].receive() != nil)
        server.server.setMaximumConnections(2)
        #expect(try server.client().echo(3) == ["value": .integer(3)])
        peers[2].send(echo)
        #expect(peers[2].receive() != nil)
    }

    @Test("Stopping ends the server whatever its clients do, and removes its socket")
    func stop() throws {
        let server = try ExampleServer()
        let silent = try server.peer()
        let streaming = try server.peer()
        streaming.send(Self.count)
        #expect(streaming.receive() != nil)
        let greedy = try server.peer()
        for _ in 0..<100 { greedy.send(#"{"method":"org.example.test.Big"}"#) }
        let half = try server.peer()
        half.send(Array("{\"method".utf8))
        server.server.stop()
        #expect(silent.isClosedInSilence())
        while streaming.receive() != nil {}
        while greedy.receive() != nil {}
        #expect(half.isClosedInSilence())
        #expect(access(server.path, F_OK) == -1)
        server.server.stop()
    }

    @Test("Stopping from many threads at once ends the server once")
    func stopFromManyThreads() async throws {
        let server = try ExampleServer()
        let shared = server.server
        let path = server.path
        await withTaskGroup { group in
            for _ in 0..<8 { group.addTask { shared.stop() } }
        }
        #expect(access(path, F_OK) == -1)
    }
}

// SPDX-License-Identifier: Apache-2.0

import CTestSupport
import EntropyClient
import Foundation
import Glibc
import TestSupport
import Testing

@Suite(
    "Hostile and clumsy peers of the daemon: garbage and impossible requests on both sockets, 500 connections, clients that never read or die, no block served twice in 256 MB",
    .serialized)
struct HostilePeerTests {
    /// Bytes of a fixed seed (SplitMix64).
    private static func noise(_ seed: UInt64, count: Int) -> [UInt8] {
        var state = seed
        return (0..<count).map { _ in
            state &+= 0x9e37_79b9_7f4a_7c15
            let mixed = (state ^ state >> 30) &* 0xbf58_476d_1ce4_e5b9
            return UInt8(truncatingIfNeeded: mixed >> 56)
        }
    }

    private static func stillServes(_ daemon: DaemonProcess) throws -> Bool {
        guard daemon.isRunning else { return false }
        let status = try mectl("status", directory: daemon.directory)
        return try daemon.connect().read(count: 1000).count == 1000 && status.status == 0
    }

    @Test("Random bytes, cut requests and oversized ones end only their own connection", .thorough)
    func garbage() throws {
        let daemon = try DaemonProcess()
        for path in [daemon.directory.entropy, daemon.directory.control] {
            for seed in 0..<40 as Range<UInt64> {
                let client = try RawClient(path)
                client.send(Self.noise(seed, count: Int(seed) * 37 + 1))
            }
            let flood = try RawClient(path)
            flood.send(Self.noise(99, count: 4 << 20))
            #expect(flood.receiveAll().count <= 4096)
        }
        #expect(try Self.stillServes(daemon))
        #expect(daemon.stop() == 0)
    }

    @Test(
        "A READ of an impossible length is a bad request, and the connection is closed",
        arguments: [0, 1_048_577, UInt32.max])
    func impossibleLengths(length: UInt32) throws {
        let daemon = try DaemonProcess()
        let client = try RawClient(daemon.directory.entropy)
        client.send(readRequest(length: length))
        let reply = client.receiveAll()
        #expect(reply.count == 24)
        #expect(reply.prefix(2) == [1, 2])
        #expect(try Self.stillServes(daemon))
    }

    @Test(
        "500 connections at once to each socket: those beyond the limit are told so, all else works"
    )
    func manyConnections() throws {
        let daemon = try DaemonProcess()
        let entropy = try (0..<500).map { _ in try RawClient(daemon.directory.entropy) }
        // The last to come are refused: their reply is there without a request.
        #expect(entropy[499].receiveAll().prefix(2) == [1, 4])
        entropy[0].send(readRequest(length: 64))
        #expect(entropy[0].receive(atMost: 24).prefix(2) == [1, 0])
        let control = try (0..<500).map { _ in try RawClient(daemon.directory.control) }
        // An administrator gets in although nobody has left.
        #expect(try mectl("status", directory: daemon.directory).status == 0)
        withExtendedLifetime(control) {}
        #expect(daemon.stop() == 0)
    }

    @Test(
        "A call that is made to be slow to read is refused for its length, or for its depth",
        arguments: [(depth: 28, lists: 1000), (depth: 7, lists: 1)])
    func slowCalls(depth: Int, lists: Int) throws {
        let daemon = try DaemonProcess()
        let nested = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        let list = Array(repeating: nested, count: lists).joined(separator: ",")
        let call =
            #"{"method":"org.metrng.Control.ListBoards","parameters":{"x":[\#(list)]}}"# + "\0"
        let client = try RawClient(daemon.directory.control)
        client.send(Array(call.utf8))
        let refusal =
            #"{"error":"org.varlink.service.InvalidParameter","parameters":{"parameter":"message"}}"#
        #expect(client.receiveAll() == Array(refusal.utf8) + [0])
        #expect(try Self.stillServes(daemon))
    }

    // The close of each would take an hour, in whichever thread it was.
    @Test("Descriptors whose close takes long, sent to either socket, hold up nobody else")
    func lingeringDescriptors() throws {
        let daemon = try DaemonProcess()
        let calls = [
            (daemon.directory.entropy, readRequest(length: 1 << 20)),
            (daemon.directory.control, Array(#"{"method":"org.varlink.service.GetInfo"}"#.utf8) + [0]),
        ]
        for (path, request) in calls {
            for isRead in [true, false] {
                let client = try RawClient(path)
                let socket = try LingeringSocket(seconds: 3600)
                // What follows a request whose answer is not read stays in the socket until it is closed.
                if !isRead { client.send(request) }
                let isTaken = socket.pass(to: client.raw) { ctestsupport_send_copies($0, "x", 1, $1, $2) }
                if path == daemon.directory.control { #expect(isTaken) }
                client.hangUp()
            }
        }
        #expect(try Self.stillServes(daemon))
        #expect(daemon.stop() == 0)
    }

    @Test("A user that watches on every connection that it can still reaches the control plane")
    func watchers() throws {
        let daemon = try DaemonProcess()
        let watch = Array(#"{"method":"org.metrng.Control.Watch","more":true}"#.utf8) + [0]
        let watchers = try (0..<32).map { _ in
            let client = try RawClient(daemon.directory.control)
            client.send(watch)
            // A refused client is one that makes room.
            #expect(client.receive(atMost: 1) == Array("{".utf8))
            return client
        }
        #expect(try mectl("status", directory: daemon.directory).status == 0)
        withExtendedLifetime(watchers) {}
        #expect(daemon.stop() == 0)
    }

    @Test("A change that is called with oneway is not made")
    func oneway() throws {
        let daemon = try DaemonProcess()
        let client = try RawClient(daemon.directory.control)
        let calls = [
            #"{"method":"org.metrng.Control.SetOperatingPoint","oneway":true,"#
                + #""parameters":{"pulseWidthPicoseconds":470}}"#,
            #"{"method":"org.metrng.Control.GetStatus"}"#,
        ]
        for call in calls { client.send(Array(call.utf8) + [0]) }
        // The call behind it has been answered.
        #expect(client.receive(atMost: 1) == Array("{".utf8))
        // A change that is made after it.
        #expect(try mectl("set", "--amplitude", "1230", directory: daemon.directory).status == 0)
        let point = try daemon.boardStatus("operatingPoint") as? [String: Double]
        #expect(point?["pulseWidthPicoseconds"] == 460)
    }

    @Test("Clients that ask and never read, and clients that die in the middle, cost nobody else")
    func neverReading() throws {
        let daemon = try DaemonProcess()
        let greedy = try (0..<30).map { _ in try RawClient(daemon.directory.entropy) }
        for client in greedy { client.send(readRequest(length: 1 << 20)) }
        for _ in 0..<30 {
            let dying = try RawClient(daemon.directory.entropy)
            dying.send(readRequest(length: 1 << 20))
            _ = dying.receive(atMost: 1000)
        }
        #expect(try daemon.connect().read(count: 4 << 20).count == 4 << 20)
        #expect(try Self.stillServes(daemon))
        withExtendedLifetime(greedy) {}
    }

    @Test(
        "No 32-byte block reaches two of 16 clients, though some are killed in the middle of a read",
        .thorough
    )
    func blocksAreUnique() throws {
        let daemon = try DaemonProcess()
        var firstHalves: [UInt64] = []
        // Four rounds of 16 clients; in each, four are killed while they read.
        for round in 0..<4 {
            let clients = try (0..<16).map { index in
                try StreamingClient(daemon, megabytes: 6, isVictim: index % 4 == round)
            }
            for client in clients { firstHalves += try client.blocks() }
        }
        #expect(firstHalves.count * 32 >= 256 << 20)
        firstHalves.sort()
        let repeated = zip(firstHalves, firstHalves.dropFirst()).filter { $0 == $1 }.count
        // 2^23 blocks share 64 bits by chance with probability 2^-19.
        #expect(repeated == 0)
        #expect(try Self.stillServes(daemon))
    }
}

/// `mectl stream` into a file; a victim is killed as soon as it has written something.
private final class StreamingClient {
    private let process = Process()
    private let file: String
    private let isVictim: Bool
    private let directory = SocketDirectory()

    init(_ daemon: DaemonProcess, megabytes: Int, isVictim: Bool) throws {
        self.isVictim = isVictim
        file = "\(directory.path)/bits"
        _ = FileManager.default.createFile(atPath: file, contents: nil)
        process.executableURL = URL(fileURLWithPath: "\(buildDirectory)/mectl")
        process.arguments = [
            "stream", "--bytes", "\(megabytes << 20)", "--allow-simulated", "--entropy-socket",
            daemon.directory.entropy,
        ]
        process.standardOutput = FileHandle(forWritingAtPath: file)
        try process.run()
    }

    /// The first 8 bytes of each whole block the client got.
    func blocks() throws -> [UInt64] {
        if isVictim {
            _ = try eventually { try !Data(contentsOf: URL(fileURLWithPath: file)).isEmpty }
            kill(process.processIdentifier, SIGKILL)
        }
        process.waitUntilExit()
        let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        return bytes.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count - 31, by: 32).map {
                bytes.loadUnaligned(fromByteOffset: $0, as: UInt64.self)
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import EntropyClient
import EntropyProtocol
import EntropyRing
import EntropyServer
import EntropyTerms
import Glibc
import LinuxPlatform
import PlaneTestSupport
import Synchronization
import TestSupport
import Testing

@Suite(
    "Connection to the daemon: reading, waiting, provenance")
struct EntropyConnectionTests {
    @Test("reads the bytes of the source, in order", arguments: [0, 1, 32, 1_048_576, 3_145_733])
    func reads(count: Int) throws {
        try ServerRig.run { rig in
            rig.source.healthEpoch.store(5, ordering: .relaxed)
            let connection = try EntropyConnection(path: rig.path, reconnectSeconds: 0)
            #expect(connection.origin == nil)
            let bytes = try rig.filling {
                try connection.read(count: count) + connection.read(count: 16)
            }
            let expected = TaggedStream.bytes(count: (count + 31) & ~15)
            let isExpected = expected.starts(with: bytes) && bytes.count == count + 16
            #expect(isExpected)
            let origin = try #require(connection.origin)
            #expect(origin.provenance == .hardware && origin.grade == .full)
            #expect(origin.healthEpoch == 5)
        }
    }

    @Test(
        "says what it is to a server that takes names, once for each connection, and to no other",
        arguments: [
            (#"{"operations":["read","info","name"]}"#, true), (#"{"operations":["name"]}"#, true),
            (#"{"operations":["read","info"],"boards":["name"]}"#, false), (#"{"operations":["rename"]}"#, false),
            ("{}", false), ("\"operations\":[\"name\"", false), ("", false),
        ])
    func introduces(information: String, isNamed: Bool) throws {
        try ServerRig.run(.init(info: { Array(information.utf8) })) { rig in
            let connection = try EntropyConnection(path: rig.path, reconnectSeconds: 0)
            try rig.filling { for _ in 0..<3 { _ = try connection.read(count: 32) } }
            let names = rig.server.clients.map { $0.name }
            let expected = isNamed ? "Swift, libmetrng 0.1.0" : nil
            #expect(names == [expected])
            #expect(try connection.information() == information)
        }
    }

    @Test("finds the daemon that METRNG_SOCKET names, and otherwise where it usually listens")
    func environment() async {
        await #expect(processExitsWith: .success) {
            try ServerRig.run { rig in
                setenv("METRNG_SOCKET", rig.path, 1)
                let bytes = try rig.filling { try EntropyConnection(reconnectSeconds: 0).read(count: 32) }
                precondition(bytes == TaggedStream.bytes(count: 32))
            }
            setenv("METRNG_SOCKET", "", 1)
            precondition(EntropyConnection.defaultPath == "/run/metrng/entropy.sock")
            unsetenv("METRNG_SOCKET")
            precondition(EntropyConnection.defaultPath == "/run/metrng/entropy.sock")
        }
    }

    @Test("reads into memory of the caller, by grade", arguments: [Grade.raw, .full])
    func readsInto(grade: Grade) throws {
        try ServerRig.run { rig in
            rig.source.put(TaggedStream.bytes(count: 32), grade)
            var bytes = [UInt8](repeating: 0xAA, count: 40)
            let connection = try EntropyConnection(path: rig.path, reconnectSeconds: 0)
            try bytes.withUnsafeMutableBytes {
                try connection.read(
                    into: UnsafeMutableRawBufferPointer(rebasing: $0[4..<36]), grade: grade)
            }
            let margin = [UInt8](repeating: 0xAA, count: 4)
            #expect(bytes == margin + TaggedStream.bytes(count: 32) + margin)
            #expect(connection.origin?.grade == grade)
        }
    }

    @Test("tells what the daemon says of itself")
    func information() throws {
        try ServerRig.run(.init(info: { Array("{\"version\":\"1.0\"}".utf8) })) { rig in
            let connection = try EntropyConnection(path: rig.path, reconnectSeconds: 0)
            #expect(try connection.information() == "{\"version\":\"1.0\"}")
            rig.source.put(TaggedStream.bytes(count: 16))
            #expect(try connection.read(count: 16) == TaggedStream.bytes(count: 16))
        }
    }

    @Test("takes genuine bits without being told to", arguments: [Provenance.hardware, .host])
    func genuine(provenance: Provenance) throws {
        try ServerRig.run(.init(provenances: [provenance])) { rig in
            rig.source.put(TaggedStream.bytes(count: 16))
            let connection = try EntropyConnection(path: rig.path, reconnectSeconds: 0)
            #expect(try connection.read(count: 16) == TaggedStream.bytes(count: 16))
            #expect(connection.origin?.provenance == provenance)
        }
    }

    @Test(
        "refuses bits that are not random, returns none of them, and is of no use after that",
        arguments: [Provenance.simulated, .replay])
    func notGenuine(provenance: Provenance) throws {
        try ServerRig.run(.init(provenances: [provenance])) { rig in
            rig.source.put(TaggedStream.bytes(count: 64))
            let connection = try EntropyConnection(path: rig.path, reconnectSeconds: 0)
            var bytes = [UInt8](repeating: 0xAA, count: 32)
            bytes.withUnsafeMutableBytes { buffer in
                let error = #expect(throws: EntropyError.self) { try connection.read(into: buffer) }
                #expect(error == .notGenuine(provenance))
            }
            #expect(bytes == [UInt8](repeating: 0xAA, count: 32))
            #expect(connection.origin == nil)
            #expect(throws: EntropyError.disconnected) { try connection.read(count: 16) }
            // Nobody else gets what was on its way.
            let other = try EntropyConnection(
                path: rig.path, allowsSimulated: true, reconnectSeconds: 0)
            #expect(try other.read(count: 32) == TaggedStream.bytes(from: 2, count: 32))
        }
    }

    @Test(
        "takes bits that are not random when it is told to, and says so",
        arguments: [Provenance.simulated, .replay])
    func allowed(provenance: Provenance) throws {
        try ServerRig.run(.init(provenances: [provenance])) { rig in
            rig.source.put(TaggedStream.bytes(count: 16))
            let connection = try EntropyConnection(
                path: rig.path, allowsSimulated: true, reconnectSeconds: 0)
            #expect(try connection.read(count: 16) == TaggedStream.bytes(count: 16))
            #expect(connection.origin?.provenance == provenance)
        }
    }

    @Test("calls a long read simulated when any part of it is")
    func mixedParts() throws {
        let long = 1_048_576
        func answer(_ tag: UInt64, _ provenance: Provenance, _ length: Int) -> [UInt8] {
            EntropyReply(
                status: .ok, provenance: provenance, grade: .full, length: UInt32(length), tag: tag,
                healthEpoch: UInt32(tag)
            ).bytes + [UInt8](repeating: 1, count: length)
        }
        let answers = [answer(1, .simulated, long), answer(2, .hardware, 1)]
        try FakeServer.run(answers: answers + [answer(3, .hardware, 1)]) { path in
            let connection = try EntropyConnection(
                path: path, allowsSimulated: true, reconnectSeconds: 0)
            #expect(try connection.read(count: long + 1).count == long + 1)
            #expect(connection.origin?.provenance == .simulated)
            #expect(try connection.read(count: 1).count == 1)
            #expect(connection.origin?.provenance == .hardware)
        }
        try FakeServer.run(answers: [answer(1, .hardware, long), answer(2, .simulated, 1)]) {
            path in
            let connection = try EntropyConnection(path: path, reconnectSeconds: 0)
            #expect(throws: EntropyError.notGenuine(.simulated)) {
                try connection.read(count: long + 1)
            }
        }
    }
}

@Suite(
    "Errors of a connection: each status of the server, and servers that go")
struct EntropyErrorTests {
    @Test("unreachable: there is no socket, or nobody behind it")
    func unreachable() throws {
        let directory = TemporaryDirectory()
        let missing = EntropyError.unreachable(
            path: directory.file("e"), reason: "No such file or directory")
        #expect(throws: missing) {
            try EntropyConnection(path: directory.file("e"), reconnectSeconds: 0)
        }
        let rig = try ServerRig()
        let path = directory.file("dead")
        #expect(rename(rig.path, path) == 0)
        try rig.stop()
        #expect(throws: EntropyError.unreachable(path: path, reason: "Connection refused")) {
            try EntropyConnection(path: path, reconnectSeconds: 0)
        }
        let long = String(repeating: "n", count: 200)
        #expect(throws: EntropyError.unreachable(path: long, reason: "File name too long")) {
            try EntropyConnection(path: long, reconnectSeconds: 0)
        }
    }

    @Test("not permitted: this user may not open the socket")
    func notPermitted() async throws {
        let rig = try ServerRig()
        try #require(chmod(rig.directory.path, 0o755) == 0 && chmod(rig.path, 0) == 0)
        await #expect(processExitsWith: .success) { [path = rig.path as String] in
            becomeNobody()
            #expect(throws: EntropyError.notPermitted(path: path)) {
                try EntropyConnection(path: path, reconnectSeconds: 0)
            }
        }
        try rig.stop()
    }

    @Test("unavailable: there are too few bits now; the connection stays of use")
    func unavailable() throws {
        try ServerRig.run { rig in
            let connection = try EntropyConnection(path: rig.path, reconnectSeconds: 0)
            for _ in 0..<3 {
                #expect(throws: EntropyError.unavailable) {
                    try connection.read(count: 32, waits: false)
                }
            }
            rig.source.put(TaggedStream.bytes(count: 32))
            #expect(
                try connection.read(count: 32, waits: false) == TaggedStream.bytes(count: 32))
        }
    }

    @Test("not offered: the daemon makes no bits of this grade")
    func notOffered() throws {
        try ServerRig.run { rig in
            let connection = try EntropyConnection(path: rig.path, reconnectSeconds: 0)
            #expect(throws: EntropyError.notOffered) {
                try connection.read(count: 32, grade: .expand)
            }
            #expect(throws: EntropyError.disconnected) { try connection.read(count: 32) }
        }
    }

    @Test("over quota: there are enough clients")
    func overQuota() throws {
        try ServerRig.run(.init(maximumClients: 1)) { rig in
            let first = try EntropyConnection(path: rig.path, reconnectSeconds: 0)
            _ = try first.information()
            let second = try EntropyConnection(path: rig.path, reconnectSeconds: 0)
            #expect(throws: EntropyError.overQuota) { try second.read(count: 32) }
            #expect(throws: EntropyError.disconnected) { try second.information() }
        }
    }

    @Test("looks for a daemon that is gone, for its time or once, and says then that there is none")
    func gone() throws {
        let rig = try ServerRig()
        rig.source.put(TaggedStream.bytes(count: 16))
        let connection = try EntropyConnection(path: rig.path, reconnectSeconds: 0.2)
        #expect(try connection.read(count: 16) == TaggedStream.bytes(count: 16))
        try rig.stop()
        // As when the process has ended: the server's socket lives as long as the test's rig.
        unlink(rig.path)
        for waits in [true, false] {
            let error = #expect(throws: EntropyError.self) {
                try connection.read(count: 1, waits: waits)
            }
            guard case .unreachable = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
        }
    }

    @Test("shutting down: the daemon stopped while the client waited")
    func shuttingDown() throws {
        // Whether the request has come when the server stops cannot be seen from here.
        for _ in 0..<20 {
            let error = try errorWhenServerStops { rig in
                _ = eventually { rig.server.clients.count == 1 }
                linger()
            }
            if error == .shuttingDown { return }
            #expect(error == .disconnected)
        }
        Issue.record("no client was told")
    }

    @Test("disconnected: the daemon stopped in the middle of the answer")
    func disconnected() throws {
        let error = try errorWhenServerStops { rig in
            rig.source.put(TaggedStream.bytes(count: 16))
            let ring = rig.source.full
            #expect(eventually { ring.delivered.load(ordering: .relaxed) == 16 })
        }
        #expect(error == .disconnected)
    }

    /// What a client that reads 32 bytes is told when the server stops after `prepare`.
    private func errorWhenServerStops(_ prepare: (ServerRig) throws -> Void) throws -> EntropyError? {
        let errors = ErrorBox()
        try ServerRig.run { rig in
            let path = rig.path
            let reader = try WorkerThread(name: "test-reader") {
                errors.keep { () throws(EntropyError) in
                    _ = try EntropyConnection(path: path, reconnectSeconds: 0).read(count: 32)
                }
            }
            defer { reader.join() }
            try prepare(rig)
            try rig.stop()
        }
        return errors.error
    }

    @Test(
        "each says what happened, and what to do where something can be done",
        arguments: [
            (.unreachable(path: "/p", reason: "why"), ["/p", "why", "is metrngd running?"]),
            (.notPermitted(path: "/p"), ["/p", "added to the group"]),
            (.notGenuine(.simulated), ["simulated", "not random", "allow them explicitly"]),
            (.notGenuine(.replay), ["replay", "not random"]),
            (.unavailable, ["no bits are available", "mectl status"]),
            (.notOffered, ["does not offer"]),
            (.denied, ["refuses to serve this client"]),
            (.overQuota, ["entropy.maximumClients"]),
            (.shuttingDown, ["stopping"]),
            (.disconnected, ["connect again"]),
            (.protocolViolation("what"), ["MEP/1", "what"]),
        ] as [(EntropyError, [String])])
    func descriptions(error: EntropyError, parts: [String]) {
        for part in parts { #expect("\(error)".contains(part)) }
    }
}

/// Keeps the error of a thread for the test.
private final class ErrorBox: Sendable {
    private let kept = Mutex<EntropyError?>(nil)

    var error: EntropyError? { kept.withLock { $0 } }

    func keep(_ body: () throws(EntropyError) -> Void) {
        do throws(EntropyError) {
            try body()
        } catch {
            kept.withLock { $0 = error }
        }
    }
}

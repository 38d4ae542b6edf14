// SPDX-License-Identifier: Apache-2.0

import ArrayLeases
import Glibc
import LeaseProtocol
import LinuxPlatform
import Synchronization
import TestSupport
import Testing

@Suite("The socket of a lease: commands and results, renewal, and every way in which a lease ends")
struct LeaseConnectionTests {
    @Test("commands go to the pipeline, and results come back in order")
    func commands() async throws {
        let (lease, client) = try open(seconds: 3_600)
        send(LeaseCommand.write([3]).bytes(tag: 1) + LeaseCommand.read.bytes(tag: 2), to: client)
        try await until { lease.line.hasWork }
        #expect(lease.line.takeCommand() == .write([3]))
        try await until { lease.line.hasWork }
        #expect(lease.line.takeCommand() == .read)
        #expect(!lease.line.hasWork)
        lease.line.answer([.done(states: []), .done(states: [3])])
        #expect(
            try await receive(40, from: client) == LeaseReply(.ok, tag: 1).bytes
                + LeaseReply(.ok, states: [3], tag: 2).bytes)
        shutdown(client.raw, Int32(SHUT_RDWR))
        try await until { lease.line.isReleased }
    }

    @Test("a client that goes gives the lanes back, and commands that wait are dropped")
    func gone() async throws {
        let (lease, client) = try open(seconds: 3_600)
        send(LeaseCommand.pulse(5).bytes(tag: 1), to: client)
        try await until { lease.line.hasWork }
        shutdown(client.raw, Int32(SHUT_RDWR))
        try await until { lease.line.isReleased }
        #expect(lease.line.hasWork)
        #expect(lease.line.takeCommand() == nil)
    }

    @Test("what is no request ends the lease")
    func nonsense() async throws {
        let (lease, client) = try open(seconds: 3_600)
        send([UInt8](repeating: 9, count: 16), to: client)
        #expect(try await receive(16, from: client) == LeaseReply(.badRequest, tag: 0).bytes)
        try await until { lease.line.isReleased }
    }

    @Test(
        "the pipeline's end is told, and ends the connection", arguments: LeaseReply.Status.allCases.filter(\.endsLease)
    )
    func ended(reason: LeaseReply.Status) async throws {
        let (lease, client) = try open(seconds: 3_600)
        lease.line.end(reason)
        lease.line.end(.expired)
        #expect(try await receive(16, from: client) == LeaseReply(reason, tag: 0).bytes)
        try await until { lease.line.isReleased }
        #expect(try await receive(1, from: client).isEmpty)
    }

    @Test("a lease ends when its time is over, and lasts when it is renewed")
    func expiry() async throws {
        let time = ManualClock()
        let (lease, client) = try open(seconds: 60, clock: time.clock)
        time.advance(seconds: 59)
        send(LeaseCommand.renew(100).bytes(tag: 1), to: client)
        try await until { lease.line.hasWork }
        #expect(lease.line.takeCommand() == .renew(100))
        lease.line.answer([.done(states: [])])
        #expect(try await receive(16, from: client) == LeaseReply(.ok, tag: 1).bytes)
        time.advance(seconds: 99)
        #expect(lease.nanosecondsLeft(clock: time.clock) == 1_000_000_000)
        time.advance(seconds: 1)
        // The thread looks at the clock again when something comes.
        send(LeaseCommand.read.bytes(tag: 2), to: client)
        #expect(try await receive(16, from: client).prefix(2) == [1, LeaseReply.Status.expired.rawValue])
        try await until { lease.line.isReleased }
    }

    private func open(seconds: Int, clock: Clock = .system) throws -> (Lease, Descriptor) {
        let lease = try Lease(
            LeasedLanes([0, 1], boardWords: 1), holder: PeerCredentials(processID: 1, userID: 0, groupID: 0),
            seconds: seconds, clock: clock, wakePipeline: {})
        return (lease, try LeaseConnection.open(lease, clock: clock))
    }

    private func send(_ bytes: [UInt8], to socket: Descriptor) {
        #expect(Glibc.send(socket.raw, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count)
    }

    private func receive(_ count: Int, from socket: Descriptor) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            var buffer = [UInt8](repeating: 0, count: count - bytes.count)
            let got = recv(socket.raw, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            if got == 0 { break }
            if got > 0 { bytes += buffer[..<got] } else { try await Task.sleep(for: .milliseconds(1)) }
        }
        return bytes
    }

    private func until(_ condition: () -> Bool) async throws {
        while !condition() { try await Task.sleep(for: .milliseconds(1)) }
    }
}

/// A clock that the test moves.
private final class ManualClock: Sendable {
    private let now = Atomic<UInt64>(1_000_000_000)

    func advance(seconds: UInt64) { now.add(seconds * 1_000_000_000, ordering: .relaxed) }

    var clock: Clock {
        Clock(
            monotonicNanoseconds: { self.now.load(ordering: .relaxed) },
            secondsSinceEpoch: { Double(self.now.load(ordering: .relaxed)) / 1e9 })
    }
}

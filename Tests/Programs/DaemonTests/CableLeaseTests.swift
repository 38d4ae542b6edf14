// SPDX-License-Identifier: Apache-2.0

import BoardOperations
import ControlInterface
import EntropyClient
import LeaseProtocol
import TestSupport
import Testing

/// Leases of a board on an emulated USB: of one that streams beside them, and of an older one that cannot.
@Suite("Leases over a cable: beside the stream, and with the stream of an older board stopped", .serialized)
struct CableLeaseTests {
    private static func board(_ daemon: DaemonProcess) throws -> BoardStatus {
        try #require(try ControlClient(path: daemon.directory.control).status().boards.first)
    }

    /// Plugs a board in, and waits until it gives bits.
    private static func serving(_ boards: SoftwareBoards) throws -> DaemonProcess {
        let daemon = try boards.daemon()
        try boards.tell("plug 1")
        try #require(eventually { (try? board(daemon).state).map { $0 == .serving || $0 == .idle } ?? false })
        return daemon
    }

    private static func expectWriteAndRead(_ client: LeaseClient) throws {
        let pattern: [UInt64] = [0xfeed_0123_4567_89ab, 0x0f0f_1234_5678_9abc]
        try client.perform(.write(pattern))
        #expect(try client.perform(.read) == pattern)
        try client.perform(.mask([~0, 0]))
        try client.perform(.pulse(5_000))
        let pulsed = try client.perform(.read)
        #expect(pulsed[0] == pattern[0] && pulsed[1] != pattern[1])
    }

    @Test("a board of MEB/1.1 gives bits beside the lease, and its lanes come back")
    func beside() throws {
        let boards = try SoftwareBoards()
        let daemon = try Self.serving(boards)
        let client = try LeaseClient(LeaseLanes(count: 128, seconds: 60), at: daemon.directory)
        #expect(client.reply.streamContinues)
        try Self.expectWriteAndRead(client)
        let connection = try daemon.connect()
        for _ in 0..<10 { #expect(try connection.read(count: 100_000).count == 100_000) }
        #expect(try Self.board(daemon).laneCounts.leased == 128)
        client.end()
        try #require(eventually { (try? Self.board(daemon))?.laneCounts.leased == 0 })
        let leased = Set(client.reply.lanes)
        #expect(try Self.board(daemon).lastFailures.allSatisfy { !leased.contains($0.lane ?? -1) })
    }

    @Test("the stream of a board of MEB/1.0 is stopped for a lease, which the status says, and comes back after it")
    func stopped() throws {
        let boards = try SoftwareBoards("--minor-version", "0")
        let daemon = try Self.serving(boards)
        let before = try #require(try Self.board(daemon).operatingPoint)
        let client = try LeaseClient(LeaseLanes(count: 128, seconds: 60), at: daemon.directory)
        #expect(!client.reply.streamContinues)
        #expect(try Self.board(daemon).state == .leased)
        try Self.expectWriteAndRead(client)
        #expect(throws: ControlClientError.control(.busy(board: "cable"))) {
            _ = try LeaseClient(LeaseLanes(count: 1, seconds: 60), at: daemon.directory)
        }
        #expect(try mectl("set", "--width", "490", directory: daemon.directory).status != 0)
        client.end()
        try #require(eventually { (try? Self.board(daemon).state).map { $0 == .serving || $0 == .idle } ?? false })
        #expect(try Self.board(daemon).operatingPoint == before)
        #expect(try daemon.connect().read(count: 1_000).count == 1_000)
        let second = try LeaseClient(LeaseLanes(count: 128, seconds: 60), at: daemon.directory)
        #expect(daemon.stop() == 0)
        #expect(try second.receive().0 == .shuttingDown)
    }

    @Test("a board that is pulled out ends the lease, with or without its stream", arguments: ["0", "1"])
    func unplugged(minorVersion: String) throws {
        let boards = try SoftwareBoards("--minor-version", minorVersion)
        let daemon = try Self.serving(boards)
        let client = try LeaseClient(LeaseLanes(count: 64, seconds: 60), at: daemon.directory)
        try boards.tell("unplug 1")
        #expect(try client.receive().0 == .boardGone)
        try boards.tell("plug 1")
        try #require(eventually { (try? Self.board(daemon).state).map { $0 == .serving || $0 == .idle } ?? false })
        #expect(try Self.board(daemon).leases.isEmpty)
    }
}

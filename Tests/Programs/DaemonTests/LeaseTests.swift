// SPDX-License-Identifier: Apache-2.0

import BoardOperations
import BoardProtocol
import ControlInterface
import EntropyClient
import Foundation
import Glibc
import LeaseProtocol
import LinuxPlatform
import TestSupport
import Testing
import Varlink

extension BoardStatus {
    fileprivate var givingBits: Int { laneCounts.good + laneCounts.warned }
}

/// Leases of a running daemon, whose simulated board streams beside them.
@Suite("Leases: lanes of their own, beside a stream that goes on; every way to lose one; what the status says")
struct LeaseTests {
    private static let configuration = """
        boards:
          - name: array0
            seed: 15
            lanes: 128
            shotsPerFrame: 256
            array: {deadDeviceFraction: 0}
        """

    private static func board(_ daemon: DaemonProcess) throws -> BoardStatus {
        try #require(try ControlClient(path: daemon.directory.control).status().boards.first)
    }

    /// A daemon all of whose lanes are good.
    private static func servingDaemon(_ text: String = configuration) throws -> DaemonProcess {
        let daemon = try DaemonProcess(text)
        try #require(eventually { (try? board(daemon))?.givingBits == 128 })
        return daemon
    }

    /// All lanes are back once bits are drawn: while the rings are full, no lane is tested.
    private static func expectReturn(of daemon: DaemonProcess) throws {
        try #require(eventually { (try? board(daemon))?.leases.isEmpty ?? false })
        let connection = try daemon.connect()
        try #require(
            eventually {
                _ = try? connection.read(count: 100_000)
                return (try? board(daemon))?.givingBits == 128
            })
    }

    @Test("what is written is read, pulses flip devices, the mask keeps them, and all others go on giving bits")
    func writePulseRead() throws {
        let daemon = try Self.servingDaemon()
        let connection = try daemon.connect()
        let client = try LeaseClient(LeaseLanes(count: 70, seconds: 60), at: daemon.directory)
        #expect(client.reply.lanes.count == 70 && client.reply.streamContinues)
        #expect(client.reply.provenance == "simulated" && client.reply.board == "array0")
        let pattern: [UInt64] = [0x0123_4567_89ab_cdef, 0x2a]
        try client.perform(.write(pattern))
        #expect(try client.perform(.read) == pattern)
        try client.perform(.mask([~0, 0]))
        try client.perform(.pulse(5_000))
        let pulsed = try client.perform(.read)
        #expect(pulsed[0] == pattern[0], "masked lanes keep their states")
        #expect(pulsed[1] != pattern[1] && pulsed[1] < 64)
        let status = try Self.board(daemon)
        #expect(status.laneCounts.leased == 70 && status.givingBits == 58)
        #expect(status.state == .serving || status.state == .idle)
        let lease = try #require(status.leases.first)
        #expect(lease.lanes == 70 && lease.processId == Int(getpid()) && lease.userId == Int(geteuid()))
        #expect(lease.secondsLeft > 0 && lease.secondsLeft <= 60)
        for _ in 0..<20 { #expect(try connection.read(count: 100_000).count == 100_000) }
        #expect(try client.perform(.read) == pulsed, "the stream does not touch leased lanes")
        #expect(try Self.board(daemon).lastFailures.isEmpty)
        client.end()
        try Self.expectReturn(of: daemon)
        #expect(try Self.board(daemon).lastFailures.isEmpty, "coming back is no failure")
        #expect(try Self.board(daemon).leases.isEmpty)
    }

    @Test("a lease of all lanes stops what is served, and says so; it comes back by itself")
    func allLanes() throws {
        let daemon = try Self.servingDaemon()
        let client = try LeaseClient(LeaseLanes(seconds: 60), at: daemon.directory)
        #expect(client.reply.lanes.count == 128)
        try #require(eventually { (try? Self.board(daemon))?.state == .leased })
        #expect(try client.perform(.read).count == 2)
        client.end()
        try Self.expectReturn(of: daemon)
        #expect(!daemon.logText.contains("serves nothing"), "\(daemon.logText)")
        #expect(daemon.logText.contains("all lanes are leased"))
        #expect(try daemon.connect().read(count: 1_000).count == 1_000)
    }

    @Test("two clients have different lanes; a lane is leased once; what does not exist is refused")
    func several() throws {
        let daemon = try Self.servingDaemon()
        let first = try LeaseClient(LeaseLanes(lanes: [5, 3, 100], seconds: 60), at: daemon.directory)
        let second = try LeaseClient(LeaseLanes(count: 125, seconds: 60), at: daemon.directory)
        #expect(Set(second.reply.lanes).isDisjoint(with: [5, 3, 100]))
        try first.perform(.write([0b101]))
        try second.perform(.write([~0, 1 << 61 - 1]))
        try second.perform(.pulse(100))
        #expect(try first.perform(.read) == [0b101])
        func refusal(_ operation: LeaseLanes) -> ControlClientError? {
            do {
                _ = try LeaseClient(operation, at: daemon.directory)
                return nil
            } catch { return error as? ControlClientError }
        }
        #expect(
            refusal(LeaseLanes(lanes: [4, 5], seconds: 60)) == .control(.lanesTaken(board: "array0", lanes: [4, 5])))
        #expect(
            refusal(LeaseLanes(count: 1, seconds: 60))
                == .control(.notEnoughLanes(board: "array0", wanted: 1, available: 0)))
        #expect(
            refusal(LeaseLanes(lanes: [128], seconds: 60))
                == .control(.notLeasable(board: "array0", cause: "lane 128 does not exist; the board has 128")))
        for wrong in [
            LeaseLanes(lanes: [1, 1], seconds: 60), LeaseLanes(lanes: [], seconds: 60),
            LeaseLanes(lanes: [-1], seconds: 60),
            LeaseLanes(count: 0, seconds: 60), LeaseLanes(seconds: 0), LeaseLanes(seconds: 3_601),
            LeaseLanes(lanes: [1], count: 1, seconds: 60),
        ] {
            guard case .varlink(.remote(let error)) = refusal(wrong), error.name.hasSuffix("InvalidParameter") else {
                Issue.record("\(wrong) was not refused")
                continue
            }
        }
        var far = client(at: first)
        far.amplitudeMillivolts = 1e6
        guard case .control(.outOfRange) = refusal(LeaseLanes(lanes: [1], seconds: 60, operatingPoint: far)) else {
            Issue.record("an impossible point was taken")
            return
        }
        #expect(try first.send(.pulse(0)).0 == .outOfRange)
        #expect(try first.send(.trim([0, 0, .max])).0 == .outOfRange)
        #expect(try first.send(.point(far)).0 == .outOfRange)
        #expect(try first.perform(.read) == [0b101])
    }

    private func client(at lease: LeaseClient) -> OperatingPoint { lease.reply.operatingPoint }

    @Test("a lease ends when its time is over")
    func expiry() throws {
        let daemon = try Self.servingDaemon()
        let client = try LeaseClient(LeaseLanes(count: 64, seconds: 1), at: daemon.directory)
        let (status, _, tag) = try client.receive()
        #expect(status == .expired && tag == 0)
        try Self.expectReturn(of: daemon)
    }

    @Test("a board that goes ends its leases, and so does the end of the daemon; others keep theirs")
    func boardGone() throws {
        let daemon = try Self.servingDaemon()
        let client = try LeaseClient(LeaseLanes(count: 64, seconds: 60), at: daemon.directory)
        #expect(try mectl("inject", "vanish", "--for", "2000000", directory: daemon.directory).status == 0)
        #expect(try client.receive().0 == .boardGone)
        try #require(eventually { (try? Self.board(daemon))?.givingBits == 128 })
        let second = try LeaseClient(LeaseLanes(count: 64, seconds: 60), at: daemon.directory)
        #expect(daemon.stop() == 0)
        #expect(try second.receive().0 == .shuttingDown)
    }

    @Test("a new operating point of the stream leaves leased lanes alone; a sweep waits for the end of the lease")
    func besideOperations() throws {
        let daemon = try Self.servingDaemon()
        let client = try LeaseClient(LeaseLanes(count: 64, seconds: 60), at: daemon.directory)
        try client.perform(.write([0xf0f0]))
        #expect(try mectl("set", "--width", "490", directory: daemon.directory).status == 0)
        #expect(try client.perform(.read) == [0xf0f0])
        #expect(try Self.board(daemon).laneCounts.leased == 64)
        try #require(eventually { (try? Self.board(daemon))?.laneCounts.starting == 0 })
        let sweep = try mectl("calibrate", "--width", "400:600:3", "--shots", "2048", directory: daemon.directory)
        #expect(sweep.status != 0 && sweep.errors.contains("another operation is in progress"), "\(sweep.errors)")
        #expect(try client.perform(.read) == [0xf0f0])
    }

    @Test("a device that breaks ends the lease that has it")
    func broken() throws {
        let daemon = try Self.servingDaemon()
        let drain = try daemon.connect()
        let client = try LeaseClient(LeaseLanes(lanes: [7, 8], seconds: 60), at: daemon.directory)
        let other = try LeaseClient(LeaseLanes(lanes: [9], seconds: 60), at: daemon.directory)
        #expect(
            try mectl("inject", "resistanceCollapse", "--lanes", "7", directory: daemon.directory).status == 0)
        for _ in 0..<40 { _ = try drain.read(count: 500_000) }
        #expect(try client.receive().0 == .lanesLost)
        #expect(try other.perform(.read).count == 1)
    }
}

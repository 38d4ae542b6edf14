// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import DevicePhysics
import LinuxPlatform
import SimulatedBoard
import Synchronization
import Testing

/// A clock that moves when the board waits.
private final class VirtualTime: Sendable {
    private let now = Atomic<UInt64>(1_000_000_000)

    func advance(milliseconds: Int32) {
        now.add(UInt64(milliseconds) * 1_000_000, ordering: .relaxed)
    }

    var clock: Clock {
        Clock(
            monotonicNanoseconds: { [self] in now.load(ordering: .relaxed) },
            secondsSinceEpoch: { 0 })
    }
}

@Suite("The clock of the simulated board")
struct ClockTests {
    /// A board of a million shots a second, which is silent for two hours after its first frame.
    private static func board(_ fault: Fault, _ time: VirtualTime) throws -> SimulatedArrayBoard {
        let order = FaultOrder(fault, afterShots: 64, forShots: 7_200_000_000)
        return try SimulatedArrayBoard(
            name: "test", lanes: 64, settings: SimulatedArraySettings(.quarterPeriod),
            shotsPerFrame: 64, seed: .fixed(1), script: FaultScript([order]), clock: time.clock,
            idle: { _, milliseconds in time.advance(milliseconds: milliseconds) })
    }

    private static func read(_ board: SimulatedArrayBoard, milliseconds: Int32) throws -> Int {
        try withUnsafeTemporaryAllocation(byteCount: 40 + 64 * 8, alignment: 8) { buffer in
            try board.read(into: buffer, milliseconds: milliseconds)
        }
    }

    @Test("A stall lasts as long as the clock says, and a waiting read moves a virtual one")
    func stall() throws {
        let board = try Self.board(.stall, VirtualTime())
        _ = try board.open()
        board.start()
        #expect(try Self.read(board, milliseconds: 0) > 0)
        for _ in 0..<2 { #expect(try Self.read(board, milliseconds: 3_600_000) == 0) }
        #expect(try Self.read(board, milliseconds: 0) > 0)
    }

    @Test("A board that vanished comes back when the clock says so")
    func absence() throws {
        let time = VirtualTime()
        let board = try Self.board(.vanish, time)
        _ = try board.open()
        board.start()
        #expect(try Self.read(board, milliseconds: 0) > 0)
        board.close()
        #expect(throws: BoardError.self) { try board.open() }
        time.advance(milliseconds: 7_199_999)
        #expect(throws: BoardError.self) { try board.open() }
        time.advance(milliseconds: 1)
        #expect(throws: Never.self) { try board.open() }
    }
}

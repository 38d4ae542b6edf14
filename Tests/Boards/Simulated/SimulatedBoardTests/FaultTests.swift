// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import DevicePhysics
import Glibc
import LinuxPlatform
import SimulatedBoard
import TestSupport
import Testing

/// A board of 64 devices which switch with probability ½, with faults.
private func board(
    _ script: String, shotsPerFrame: Int = 256,
    idle: @escaping SimulatedArrayBoard.Idling = { $0.wait(milliseconds: $1) }
) throws -> SimulatedArrayBoard {
    try SimulatedArrayBoard(
        name: "test",
        devices: .fixed(Array(repeating: SwitchingChain(p01: 0.5, p10: 0.5), count: 64)),
        settings: SimulatedArraySettings(.quarterPeriod), shotsPerFrame: shotsPerFrame,
        seed: .fixed(8), script: FaultScript(parsing: script), idle: idle)
}

/// The frames of a board as they are on the cable.
private func frames(of board: SimulatedArrayBoard, _ count: Int) throws -> [[UInt8]] {
    let buffer = UnsafeMutableRawBufferPointer.allocate(
        byteCount: FrameHeader.byteCount + (try board.open()).maximumPayload, alignment: 64)
    defer { buffer.deallocate() }
    board.start()
    return try (0..<count).map { _ in
        Array(buffer[..<(try board.read(into: buffer, milliseconds: 0))])
    }
}

@Suite(
    "Faults of the simulated board: every fault, as a reader of frames sees it")
struct SimulatedFaultTests {
    @Test(
        "a stuck lane gives its bit from its first shot to its last, and no other lane does",
        arguments: [("stuckAt0", false), ("stuckAt1", true)])
    func stuck(fault: String, bit: Bool) throws {
        let recording = try Recording(of: board("at 100 \(fault) lanes 3 for 1000"), frames: 8)
        let bits = recording.toggles(lane: 3)
        #expect(bits[100..<1100].allSatisfy { $0 == bit })
        #expect(bits[..<100].contains(!bit) && bits[1100...].contains(!bit))
        let other = recording.toggles(lane: 4)[100..<1100]
        #expect(other.contains(true) && other.contains(false))
    }

    @Test(
        "a fault changes how often a lane switches, as it says",
        arguments: [
            ("retentionLoss lanes 0-63", 0.2952), ("driveLoss", 0),
            ("resistanceCollapse lanes 1", 0.5),
        ])
    func rates(fault: String, probability: Double) throws {
        let recording = try Recording(of: board("at 0 \(fault)"), frames: 64)
        let ones = recording.rows.reduce(0) { $0 + $1.nonzeroBitCount }
        guard probability > 0 else {
            #expect(ones == 0)
            return
        }
        let z = zScore(
            successes: ones, trials: 64 * recording.rows.count, probability: probability)
        // Toggles of a device that forgets its state share a state with the next one: their correlation
        // of 0.29 widens the deviation by √(1 + 2 · 0.29).
        #expect(abs(z) < 1.26 * zLimit)
    }

    @Test("a telegraph lane changes between ½ and ¼, and rests about four windows in each")
    func telegraph() throws {
        let recording = try Recording(of: board("at 0 telegraph lanes 5"), frames: 4096)
        let bits = recording.toggles(lane: 5)
        let mean = Double(bits.count { $0 }) / Double(bits.count)
        #expect((0.32...0.43).contains(mean))
        let pieces = stride(from: 0, to: bits.count, by: 1024).map { start in
            bits[start..<start + 1024].count { $0 }
        }
        #expect(pieces.contains { $0 < 300 } && pieces.contains { $0 > 470 })
    }

    @Test("common mode moves all lanes together, and without it nothing does")
    func commonMode() throws {
        for (script, factor) in [("", 1.0), ("at 0 commonMode", 1 + 63 * 0.04)] {
            let recording = try Recording(of: board(script), frames: 200)
            let counts = recording.rows.map { Double($0.nonzeroBitCount) }
            let variance =
                counts.reduce(0) { $0 + ($1 - 32) * ($1 - 32) } / Double(counts.count) / 16
            #expect(abs(variance / factor - 1) < 0.08, "\(script)")
        }
    }

    @Test("every eighth frame is lost: its number and its shots are missing")
    func droppedFrames() throws {
        let headers = try frames(of: board("at 0 droppedFrames"), 14).map { bytes in
            try bytes.withUnsafeBytes { try FrameHeader(parsing: $0) }
        }
        #expect(headers.map(\.sequence) == Array(0..<7) + Array(8..<15))
        #expect(headers.allSatisfy { $0.firstShot == UInt64($0.sequence) * 256 })
        #expect(headers.allSatisfy { $0.droppedBefore == 0 })
    }

    @Test("every eighth frame is damaged, and its checksum tells")
    func corruptedFrames() throws {
        let holds = try frames(of: board("at 0 corruptedFrames"), 16).map { bytes in
            bytes.withUnsafeBytes { FrameHeader.checksumHolds(for: $0) }
        }
        #expect(holds == (0..<16).map { $0 % 8 != 7 })
    }

    @Test("an overflow leaves a frame out, and the next one says so")
    func overflow() throws {
        let headers = try frames(of: board("at 0 overflow"), 9).map { bytes in
            try bytes.withUnsafeBytes { try FrameHeader(parsing: $0) }
        }
        #expect(headers.map(\.sequence) == Array(0..<9))
        #expect(headers.map(\.droppedBefore) == [0, 0, 0, 0, 0, 0, 0, 256, 0])
        #expect(headers.map { $0.flags.contains(.overflowBefore) }.firstIndex(of: true) == 7)
        #expect(headers[7].firstShot == 8 * 256)
    }

    @Test("a stalled board gives nothing until the faults are cleared")
    func stall() throws {
        let board = try board("at 0 stall")
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 64)
        defer { buffer.deallocate() }
        _ = try board.open()
        board.start()
        #expect(try board.read(into: buffer, milliseconds: 1) == 0)
        // Nobody waits for ever for it.
        let isDone = Flag()
        let thread = try WorkerThread(name: "interrupt") {
            while !isDone.isRaised {
                usleep(1_000)
                board.interrupt()
            }
        }
        #expect(try board.read(into: buffer, milliseconds: .max) == 0)
        isDone.raise()
        thread.join()
        board.clearFaults()
        #expect(try board.read(into: buffer, milliseconds: 0) == 40 + 256 * 8)
    }

    @Test("an interruption while nothing waits ends no later wait")
    func earlierInterruption() throws {
        let ends = Tally()
        let board = try board("at 256 stall") { wakeup, _ in
            if wakeup.wait(milliseconds: 0) { ends.add(1) }
        }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 64)
        defer { buffer.deallocate() }
        _ = try board.open()
        board.start()
        board.interrupt()
        #expect(try board.read(into: buffer, milliseconds: 0) == 40 + 256 * 8)
        board.interrupt()
        for _ in 0..<2 { #expect(try board.read(into: buffer, milliseconds: 1) == 0) }
        #expect(ends.value == 0)
    }

    @Test(
        "a silence that no clock can measure lasts until the faults are cleared",
        arguments: [UInt64.max, .max - 1, 18_446_744_073_709_549, 1 << 60] as [UInt64])
    func endlessStall(shots: UInt64) throws {
        let board = try board("at 0 stall for \(shots)")
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 64)
        defer { buffer.deallocate() }
        _ = try board.open()
        board.start()
        #expect(board.inject(FaultOrder(.vanish, afterShots: .max, forShots: shots)))
        #expect(try board.read(into: buffer, milliseconds: 1) == 0)
        board.clearFaults()
        #expect(try board.read(into: buffer, milliseconds: 0) == 40 + 256 * 8)
    }

    @Test("an order too many is not followed, and is again when the others are ended")
    func orderLimit() throws {
        let board = try board("")
        _ = try board.open()
        for _ in 0..<FaultScript.orderLimit {
            #expect(board.inject(FaultOrder(.overflow, afterShots: 1_000_000)))
        }
        #expect(!board.inject(FaultOrder(.overflow)))
        board.clearFaults()
        #expect(board.inject(FaultOrder(.overflow)))
        let lines = String(repeating: "at 0 overflow\n", count: FaultScript.orderLimit + 1)
        let defect = #expect(throws: FaultScript.Defect.self) { try FaultScript(parsing: lines) }
        #expect(defect?.line == FaultScript.orderLimit + 1)
    }

    @Test("a board that vanished is absent, also to a new open, until it returns")
    func vanish() throws {
        let board = try board("at 256 vanish")
        #expect(try frames(of: board, 1).count == 1)
        #expect(throws: BoardError.self) { try frames(of: board, 1) }
        #expect(throws: BoardError.self) { try board.telemetry() }
        board.clearFaults()
        #expect(try frames(of: board, 1).count == 1)
    }

    @Test("a temperature order is a ramp over its duration, and stays")
    func temperature() throws {
        let board = try board("at 0 temperature=340 for 1024")
        let headers = try Recording(of: board, frames: 6).headers
        #expect(headers.map(\.temperature) == [2685, 3685, 4685, 5685, 6685, 6685])
    }
}

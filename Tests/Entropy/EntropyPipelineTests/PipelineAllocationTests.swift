// SPDX-License-Identifier: Apache-2.0

import AllocationCounting
import BoardInterface
import BoardProtocol
import DevicePhysics
import EntropyPipeline
import EntropyRing
import EntropyTerms
import LaneHealth
import LinuxPlatform
import OperatingPointControl
import PlaneTestSupport
import SimulatedBoard
import TestSupport
import Testing

/// The pipeline takes its turns on the thread of the test, so that its allocations are those of the test.
@Suite(
    "Pipeline: no allocation for a shot, a frame or a window",
    .countsAllocationsOfOptimisedCode)
struct PipelineAllocationTests {
    private static let windows = 50

    /// Takes everything out of the rings, without an allocation.
    private func drain(_ source: EntropySource) {
        drain(source, .raw)
        drain(source, .full)
    }

    private func drain(_ source: EntropySource, _ grade: Grade) {
        while true {
            let bits = source.deliverable(grade)
            guard !bits.isEmpty else { return }
            source.remove(bits.count, of: grade)
        }
    }

    @Test("In the steady state", arguments: [64, 256, 2560])
    func steady(shotsPerFrame: Int) throws {
        let rig = try TurnRig(shotsPerFrame: shotsPerFrame)
        var maker = WindowMaker(lanes: 64)
        rig.send([maker.windows(Self.windows + 10).flatMap { $0 }])
        try rig.loop.open()
        while (rig.pipeline.status().ledger?.windows ?? 0) < 5 {
            _ = rig.loop.turn()
            drain(rig.source)
        }
        let turns = Self.windows * 1024 / shotsPerFrame
        let found = allocations {
            for _ in 0..<turns {
                _ = rig.loop.turn()
                drain(rig.source)
            }
        }
        #expect(found.count == 0, "\(found)")
        #expect((rig.pipeline.status().ledger?.windows ?? 0) >= Self.windows)
        #expect(rig.source.isOpen, "bits were served")
        rig.stop()
    }

    @Test("Nor while full rings are waited for")
    func full() throws {
        let rig = try TurnRig(ringBytes: 1 << 14)
        var maker = WindowMaker(lanes: 64)
        rig.send(maker.windows(200))
        try rig.loop.open()
        var waits = 0
        func exchange() {
            if rig.takeTurns() == rig.forSpace { waits += 1 }
            drain(rig.source)
        }
        for _ in 0..<5 { exchange() }
        let found = allocations { for _ in 0..<10 { exchange() } }
        #expect(found.count == 0, "\(found)")
        #expect(waits >= 10)
        rig.stop()
    }

    @Test("Nor for lanes that are trimmed, but when the board is asked, its trims are set, or an event is reported")
    func trimmed() throws {
        let board = try UncountedBoard(
            SimulatedArrayBoard(
                name: "t", lanes: 64, settings: SimulatedArraySettings(.quarterPeriod), shotsPerFrame: 256,
                seed: .fixed(1)))
        let source = try EntropySource(
            name: "t", provenance: .simulated, raw: EntropyRing(capacity: 1 << 16, locked: false),
            full: EntropyRing(capacity: 1 << 16, locked: false), bitsArrived: Wakeup())
        let events = Tally()
        let pipeline = EntropyPipeline(
            board: board, source: source,
            settings: PipelineSettings(
                claimedEntropyPerBit: 0.8, startUpWindows: 2, minimumGoodLanesPercent: 50, locksMemory: false,
                trim: TrimSettings()),
            onEvent: { _ in events.add(1) })
        try pipeline.loop.open()
        func takeTurn() {
            _ = pipeline.loop.turn()
            drain(source)
        }
        for _ in 0..<40_000 where !source.isOpen { takeTurn() }
        try #require(source.isOpen, "\(pipeline.status().state)")
        var quietTurns = 0
        // More than a period of the monitor of lanes.
        for _ in 0..<1_200 * 4 {
            let before = (calls: board.calls.value, events: events.value)
            let found = allocations { takeTurn() }
            guard before == (board.calls.value, events.value) else { continue }
            quietTurns += 1
            try #require(found.count == 0, "\(found)")
        }
        #expect(quietTurns > 4_000)
        pipeline.requestStop()
        #expect(pipeline.loop.turn() == .stopped)
    }

    @Test("One allocation for each window would be noticed")
    func control() throws {
        let rig = try TurnRig()
        var maker = WindowMaker(lanes: 64)
        rig.send(maker.windows(10))
        try rig.loop.open()
        let found = allocations {
            for _ in 0..<10 {
                for _ in 0..<4 { _ = rig.loop.turn() }
                _ = rig.source.takeAll(.full)
            }
        }
        #expect(found.count > 0 && !found.first.isEmpty)
        rig.stop()
    }
}

/// A simulated board whose own allocations are not counted.
private final class UncountedBoard: TunableBoard {
    private let board: SimulatedArrayBoard
    /// How often the trims were set, or the board was asked what it measures.
    let calls = Tally()

    init(_ board: SimulatedArrayBoard) { self.board = board }

    func open() throws(BoardError) -> BoardDescription { try board.open() }
    func start() { board.start() }
    func stop() { board.stop() }
    func close() { board.close() }
    func interrupt() { board.interrupt() }

    func read(
        into buffer: UnsafeMutableRawBufferPointer, milliseconds: Int32
    ) throws(BoardError) -> Int {
        try AllocationWatch.leavingOut { () throws(BoardError) in
            try board.read(into: buffer, milliseconds: milliseconds)
        }
    }

    func setOperatingPoint(_ point: OperatingPoint) throws(BoardError) {
        try board.setOperatingPoint(point)
    }

    func setTrims(_ trims: [Int16]) throws(BoardError) {
        calls.add(1)
        try board.setTrims(trims)
    }

    func telemetry() throws(BoardError) -> BoardTelemetry {
        calls.add(1)
        return try board.telemetry()
    }
}

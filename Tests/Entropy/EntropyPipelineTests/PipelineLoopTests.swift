// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardOperations
import EntropyPipeline
import EntropyRing
import EntropyTerms
import DevicePhysics
import LaneHealth
import LinuxPlatform
import OperatingPointControl
import PlaneTestSupport
import SimulatedBoard
import Testing

@Suite(
    "The loop of a pipeline, turn by turn, in virtual time: what each turn waits for, and what ends the wait"
)
struct PipelineLoopTests {
    @Test("a board that cannot be opened is opened after 250 ms, 500 ms, and then each second")
    func opensAgain() throws {
        let rig = try TurnRig()
        rig.board.failOpening([BoardError](repeating: .absent("gone"), count: 5))
        try rig.loop.open()
        for (number, delay) in [250, 500, 1000, 1000, 1000].enumerated() {
            let wait = rig.takeTurns()
            #expect(wait == rig.until(milliseconds: UInt64(delay), changes: rig.board.changes))
            #expect(!rig.loop.isOver(wait))
            rig.clock.advance(milliseconds: delay - 1)
            #expect(rig.loop.turn() == wait, "a turn that is too early changes nothing")
            #expect(rig.board.opens == number + 1)
            rig.clock.advance(milliseconds: 1)
            #expect(rig.loop.isOver(wait))
            #expect(rig.loop.turn() == .none)
            #expect(rig.board.opens == number + 2)
        }
        rig.stop()
    }

    @Test("a board that failed after it had worked is opened again as soon as at first")
    func forgetsFailures() throws {
        let rig = try TurnRig()
        rig.board.failOpening([.absent("gone"), .absent("gone"), .absent("gone")])
        try rig.loop.open()
        while rig.board.opens < 4 {
            if rig.takeTurns() != .none { rig.clock.advance(milliseconds: 1000) }
        }
        var maker = WindowMaker(lanes: 64)
        for _ in 0..<11 {
            rig.send(maker.windows(1))
            rig.clock.advance(milliseconds: 500)
            _ = rig.takeTurns()
        }
        rig.board.failReading(.stalled("broken"))
        _ = rig.takeTurns()
        #expect(rig.state == .failed(.stalled("broken")))
        #expect(rig.takeTurns() == rig.until(milliseconds: 250, changes: rig.board.changes))
        rig.stop()
    }

    @Test("a board that was plugged in is opened at once")
    func plugged() throws {
        let rig = try TurnRig()
        rig.board.failOpening([.absent("gone")])
        try rig.loop.open()
        let wait = rig.takeTurns()
        #expect(!rig.loop.isOver(wait))
        rig.board.announceChange(isGone: false)
        #expect(rig.loop.isOver(wait))
        #expect(rig.loop.turn() == .none)
        #expect(rig.board.opens == 2)
        rig.stop()
    }

    @Test("a board that sends nothing is stalled after 2 s")
    func stalls() throws {
        let rig = try TurnRig()
        try rig.loop.open()
        for _ in 0..<4 { #expect(rig.takeTurns() == .none) }
        #expect(rig.states == [])
        _ = rig.takeTurns()
        #expect(rig.states == [.failed(.stalled("nothing came for 2 s"))])
        rig.stop()
    }

    @Test("full rings are a wait for room; the rest of the frame is taken up where it was left")
    func waitsForRoom() throws {
        // Frames of two and a half windows, and rings of two.
        let rig = try TurnRig(ringBytes: 1 << 14, shotsPerFrame: 2560)
        var maker = WindowMaker(lanes: 64)
        let windows = maker.windows(20)
        rig.send([windows.flatMap { $0 }])
        try rig.loop.open()
        var (raw, full): ([UInt8], [UInt8]) = ([], [])
        var waits = 0
        while rig.takeTurns() == rig.forSpace {
            waits += 1
            let reads = rig.board.reads
            #expect(rig.pipeline.status().isResting)
            #expect(!rig.loop.isOver(rig.forSpace))
            #expect(rig.loop.turn() == rig.forSpace, "nothing has changed")
            #expect(rig.board.reads == reads, "nobody reads a board whose bits have no room")
            raw += rig.source.takeAll(.raw)
            full += rig.source.takeAll(.full)
            #expect(rig.loop.isOver(rig.forSpace), "the wake-up is there")
        }
        #expect(waits >= 3)
        raw += rig.source.takeAll(.raw)
        full += rig.source.takeAll(.full)
        #expect(!rig.pipeline.status().isResting)
        let used = windows[2...].map { bits(of: $0, lanes: .all, words: 1) }
        let expected = ExpectedOutput(windows: used, raw: raw, inputBytes: 50)
        let isExpected = expected.rawIsWhole && full == expected.full
        #expect(isExpected)
        rig.stop()
    }

    @Test("a board that goes while there is no room is noticed")
    func goesWhileResting() throws {
        let rig = try TurnRig(ringBytes: 1 << 14)
        var maker = WindowMaker(lanes: 64)
        rig.send(maker.windows(20))
        try rig.loop.open()
        let wait = rig.takeTurns()
        #expect(wait == rig.forSpace)
        rig.board.announceChange(isGone: false)
        #expect(rig.loop.isOver(wait))
        #expect(rig.takeTurns() == wait, "another board has come")
        rig.board.announceChange(isGone: true)
        #expect(rig.loop.isOver(wait))
        _ = rig.loop.turn()
        #expect(rig.state == .failed(.absent("unplugged")))
        #expect(!rig.source.isOpen && !rig.pipeline.status().isResting)
        rig.stop()
    }

    @Test("an unhealthy board costs 10 ms of rest for each window")
    func unhealthy() throws {
        let rig = try TurnRig()
        var maker = WindowMaker(lanes: 64)
        rig.send(maker.windows(2) + maker.windows(4, stuck: 0..<60))
        try rig.loop.open()
        for _ in 0..<4 {
            let wait = rig.takeTurns()
            #expect(wait == rig.until(milliseconds: 10))
            #expect(rig.loop.turn() == wait)
            rig.clock.advance(milliseconds: 10)
            #expect(rig.loop.isOver(wait))
        }
        #expect(rig.takeTurns() == .none)
        #expect(rig.states == [.unhealthy(good: 4, minimum: 32)])
        rig.stop()
    }

    @Test("a job ends a wait for room, and one that is refused at once costs no bit")
    func jobEndsWait() throws {
        let rig = try TurnRig(ringBytes: 1 << 14)
        var maker = WindowMaker(lanes: 64)
        rig.send(maker.windows(20))
        try rig.loop.open()
        let wait = rig.takeTurns()
        let judged = rig.pipeline.status().ledger?.windows
        let faults = try #require(rig.pipeline.begin(.clearFaults))
        #expect(rig.pipeline.begin(.clearFaults) == nil, "one at a time")
        #expect(rig.loop.isOver(wait))
        #expect(rig.loop.turn() == wait)
        #expect(faults.failure == .notSimulated)
        #expect(rig.pipeline.status().ledger?.windows == judged)
        let sweep = try #require(
            rig.pipeline.begin(
                .sweep(Calibrate(amplitudes: nil, widths: nil, shotsPerPoint: 1024))))
        #expect(rig.loop.isOver(wait))
        _ = rig.takeTurns()
        #expect(sweep.failure == .notTunable)
        rig.stop()
    }

    @Test("a fault shows while the rings are full, and then no more windows are read")
    func faultShows() throws {
        let rings = try EntropySource(
            name: "t", provenance: .simulated,
            raw: EntropyRing(capacity: 1 << 14, locked: false),
            full: EntropyRing(capacity: 1 << 14, locked: false), bitsArrived: Wakeup())
        let pipeline = try EntropyPipeline(
            board: SimulatedArrayBoard(
                name: "t", lanes: 64, settings: SimulatedArraySettings(.quarterPeriod),
                shotsPerFrame: 256, seed: .fixed(1)),
            source: rings,
            settings: PipelineSettings(
                claimedEntropyPerBit: 0.8, startUpWindows: 2, minimumGoodLanesPercent: 50,
                locksMemory: false), onEvent: { _ in })
        try pipeline.loop.open()
        func takeTurns() -> PipelineWait {
            while true {
                let wait = pipeline.loop.turn()
                if wait != .none { return wait }
            }
        }
        func windows() -> Int? { pipeline.status().ledger?.windows }
        let wait = takeTurns()
        let before = try #require(windows())
        let job = try #require(
            pipeline.begin(.inject(FaultOrder(.stuckAt1, lanes: [17]))))
        #expect(takeTurns() == wait)
        #expect(job.state.isFinished)
        #expect(pipeline.status().ledger?.states[17] == .failed)
        #expect(windows() == before + 1)
        pipeline.requestStop()
        #expect(pipeline.loop.turn() == .stopped)
    }

    @Test("a job for a board that has sent nothing waits for its first frame")
    func silentBoard() throws {
        let rig = try TurnRig()
        try rig.loop.open()
        let job = try #require(rig.pipeline.begin(.record(TestSink(shots: 1))))
        #expect(rig.takeTurns() == .none)
        #expect(job.state.isRunning)
        var maker = WindowMaker(lanes: 64)
        rig.send(maker.windows(1))
        _ = rig.takeTurns()
        #expect(job.failure == nil && !job.state.isRunning)
        rig.stop()
    }

    @Test("a board that has ended is drained: room is waited for until the rings are empty")
    func drains() throws {
        let rig = try TurnRig()
        let end = BoardError.ended("the recording has ended")
        var maker = WindowMaker(lanes: 64)
        rig.send(maker.windows(6))
        rig.board.failReading(end)
        try rig.loop.open()
        let draining = PipelineWait.until(PipelineWait.Ends(isForSpace: true))
        #expect(rig.takeTurns() == draining)
        #expect(rig.source.hasEnded && rig.source.isOpen)
        #expect(!rig.source.takeAll(.raw).isEmpty)
        #expect(rig.loop.isOver(draining))
        #expect(rig.takeTurns() == draining, "full bits are still there")
        #expect(!rig.source.takeAll(.full).isEmpty)
        #expect(rig.loop.isOver(draining))
        #expect(rig.takeTurns() == .until(PipelineWait.Ends()))
        #expect(!rig.source.isOpen && rig.state == .ended(end))
        let job = try #require(rig.pipeline.begin(.record(TestSink(shots: 1))))
        #expect(rig.loop.isOver(.until(PipelineWait.Ends())))
        _ = rig.takeTurns()
        #expect(job.failure == .board(end.description))
        rig.stop()
    }

    @Test("a stop ends every wait, and fails jobs that wait or come later")
    func stops() throws {
        let rig = try TurnRig()
        rig.board.failOpening([.absent("gone")])
        try rig.loop.open()
        let wait = rig.takeTurns()
        let waiting = try #require(rig.pipeline.begin(.record(TestSink(shots: 1))))
        rig.pipeline.requestStop()
        #expect(rig.loop.isOver(wait))
        #expect(waiting.failure == .board("metrngd stops"))
        #expect(rig.loop.turn() == .stopped)
        #expect(rig.pipeline.begin(.clearFaults)?.failure == .board("metrngd stops"))
    }

    @Test("a turn after the last one traps, and so does one before the board was opened")
    func traps() async {
        await #expect(processExitsWith: .failure) {
            let rig = try TurnRig()
            try rig.loop.open()
            rig.pipeline.requestStop()
            _ = rig.loop.turn()
            _ = rig.loop.turn()
        }
        await #expect(processExitsWith: .failure) { _ = try TurnRig().loop.turn() }
    }
}

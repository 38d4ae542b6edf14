// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardOperations
import EntropyPipeline
import EntropyRing
import EntropyTerms
import PlaneTestSupport
import Synchronization
import Testing

@Suite(
    "A board that a source feeds, in virtual time: silence, what stays of the bits, jobs and the stop meanwhile; windows without room"
)
struct PipelineSourceTests {
    private static let waiting = PipelineState.waiting(InstantSource.awaited)

    /// Takes turns for so long, in which the source is silent.
    private func pass(milliseconds: UInt64, _ rig: TurnRig) {
        let end = rig.clock.nanoseconds + milliseconds * 1_000_000
        while rig.clock.nanoseconds < end { #expect(rig.takeTurns() == .none) }
    }

    @Test("a silence is a pause up to the patience, and a wait after it, however long; no bit is lost")
    func silence() throws {
        let rig = try TurnRig(patienceSeconds: 30)
        var maker = WindowMaker(lanes: 64)
        let windows = maker.windows(9)
        // The last window is not whole.
        let rows = windows.flatMap { $0 }
        rig.send([Array(rows[..<(4 * 1024 + 512)])])
        try rig.loop.open()
        pass(milliseconds: 29_500, rig)
        #expect(rig.states == [.serving])
        let ready = rig.source.deliverableCount(.raw) + rig.source.deliverableCount(.full)
        #expect(ready > 0)
        pass(milliseconds: 3_600_000, rig)
        #expect(rig.state == Self.waiting)
        #expect(rig.source.isOpen)
        #expect(rig.source.deliverableCount(.raw) + rig.source.deliverableCount(.full) == ready)
        let epoch = rig.source.healthEpoch.load(ordering: .relaxed)
        rig.send([Array(rows[(4 * 1024 + 512)...])])
        #expect(rig.takeTurns() == .none)
        #expect(rig.states == [.serving, Self.waiting, .serving])
        #expect(rig.source.healthEpoch.load(ordering: .relaxed) == epoch)
        #expect(rig.board.opens == 1)
        let used = windows[2...].map { bits(of: $0, lanes: .all, words: 1) }
        let (raw, full) = (rig.source.takeAll(.raw), rig.source.takeAll(.full))
        let expected = ExpectedOutput(windows: used, raw: raw, inputBytes: 50)
        let isExpected = expected.rawIsWhole && full == expected.full
        #expect(isExpected)
        rig.stop()
    }

    @Test("a source that has sent nothing yet is missed after 2 s, and bits begin with the start-up test")
    func silentFromTheFirst() throws {
        let rig = try TurnRig(patienceSeconds: 30)
        try rig.loop.open()
        pass(milliseconds: 2_000, rig)
        #expect(rig.states == [])
        pass(milliseconds: 500, rig)
        #expect(rig.states == [Self.waiting])
        #expect(!rig.source.isOpen)
        var maker = WindowMaker(lanes: 64)
        rig.send(maker.windows(4))
        #expect(rig.takeTurns() == .none)
        #expect(rig.states == [Self.waiting, .starting, .serving])
        rig.stop()
    }

    @Test("a board that failed is shown as waiting once it is open again")
    func opensAgain() throws {
        let rig = try TurnRig(patienceSeconds: 1)
        rig.board.failOpening([.absent("no FIFO")])
        try rig.loop.open()
        rig.clock.advance(milliseconds: 250)
        pass(milliseconds: 1_500, rig)
        #expect(rig.states == [.failed(.absent("no FIFO")), Self.waiting])
        rig.board.failReading(.absent("it was removed"))
        _ = rig.takeTurns()
        #expect(rig.state == .failed(.absent("it was removed")))
        rig.stop()
    }

    @Test("jobs are done or refused at once while the source is silent")
    func jobs() throws {
        let rig = try TurnRig(patienceSeconds: 30)
        try rig.loop.open()
        pass(milliseconds: 2_500, rig)
        let early = try #require(rig.pipeline.begin(.record(TestSink(shots: 1))))
        _ = rig.loop.turn()
        #expect(early.failure == .board("it waits for its source: \(InstantSource.awaited)"))
        var maker = WindowMaker(lanes: 64)
        rig.send(maker.windows(4))
        pass(milliseconds: 31_000, rig)
        #expect(rig.state == Self.waiting)
        let sweep = try #require(
            rig.pipeline.begin(.sweep(Calibrate(amplitudes: nil, widths: nil, shotsPerPoint: 1024))))
        _ = rig.loop.turn()
        #expect(sweep.failure == .notTunable)
        let recording = try #require(rig.pipeline.begin(.record(TestSink(shots: 4096))))
        _ = rig.loop.turn()
        #expect(rig.state == Self.waiting)
        rig.send(maker.windows(1))
        _ = rig.takeTurns()
        #expect(rig.state == .recording)
        pass(milliseconds: 31_000, rig)
        recording.cancel()
        _ = rig.loop.turn()
        #expect(recording.failure == .cancelled)
        #expect(rig.state == Self.waiting)
        #expect(rig.source.isOpen)
        rig.stop()
    }

    @Test("a recording of several starts waits for a source that is silent for longer than its patience")
    func recordingOfStarts() throws {
        let rig = try TurnRig(patienceSeconds: 1)
        var maker = WindowMaker(lanes: 64)
        rig.send(maker.windows(4))
        try rig.loop.open()
        pass(milliseconds: 1_500, rig)
        let sink = TestSink(shots: 3072, starts: 3)
        let recording = try #require(rig.pipeline.begin(.record(sink)))
        pass(milliseconds: 3_000, rig)
        #expect(recording.failure == nil)
        recording.cancel()
        _ = rig.takeTurns()
        #expect(recording.failure == .cancelled)
        pass(milliseconds: 3_000, rig)
        #expect(rig.state == Self.waiting)
        rig.send(maker.windows(8))
        _ = rig.takeTurns()
        #expect(rig.state == .serving)
        rig.stop()
    }

    @Test("a window without room is dropped and counted while a job needs the board")
    func droppedWindow() throws {
        let rig = try TurnRig(ringBytes: 1 << 14)
        var maker = WindowMaker(lanes: 64)
        rig.send(maker.windows(12))
        try rig.loop.open()
        #expect(rig.takeTurns() == rig.forSpace)
        #expect(rig.pipeline.counters.windowsDropped.load(ordering: .relaxed) == 0)
        let sweep = try #require(
            rig.pipeline.begin(.sweep(Calibrate(amplitudes: nil, widths: nil, shotsPerPoint: 1024))))
        #expect(rig.takeTurns() == rig.forSpace)
        #expect(sweep.failure == .notTunable)
        #expect(rig.pipeline.counters.windowsDropped.load(ordering: .relaxed) == 1)
        rig.stop()
    }
}

// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import EntropyPipeline
import EntropyRing
import EntropyTerms
import LaneHealth
import LinuxPlatform
import PlaneTestSupport
import Synchronization
import TestSupport
import Testing

@Suite(
    "Rest and end of a pipeline: full rings stop the reading; the end from every state")
struct PipelineRestTests {
    /// Rings of two windows: soon full.
    private let small = PipelineRig.Setup(ringBytes: 1 << 14)

    @Test(
        "full rings stop the reading of the board, and room starts it again",
        arguments: [
            Grade.raw, .full,
        ])
    func rests(grade: Grade) throws {
        var maker = WindowMaker(lanes: 64)
        try PipelineRig(small).run { rig in
            rig.send(maker.windows(80))
            try #require(eventually { rig.pipeline.status().isResting })
            #expect(rig.state == .serving)
            let reads = rig.board.calls.reads
            let windows = rig.pipeline.status().ledger?.windows
            linger()
            #expect(rig.board.calls.reads == reads)
            #expect(rig.pipeline.status().ledger?.windows == windows)
            for _ in 0..<4 {
                try #require(eventually { rig.pipeline.status().isResting })
                let before = rig.board.calls.reads
                let isRead = eventually {
                    rig.source.remove(rig.source.deliverable(grade).count, of: grade)
                    return rig.board.calls.reads > before
                }
                #expect(isRead)
            }
        }
    }

    @Test("its thread is alive while it waits for room, and is not while its board does not answer")
    func heartbeat() throws {
        let rig = try ModelRig()
        let (isStuck, mayGoOn) = (Flag(), Flag())
        rig.board.before(shot: 8192, ofStart: 0) { _ in
            isStuck.raise()
            _ = eventually { mayGoOn.isRaised }
        }
        try rig.run { rig in
            var watch = HeartbeatWatch([("pipeline", rig.pipeline.heartbeat)])
            try #require(rig.eventuallyTaking { _ in isStuck.isRaised })
            _ = watch.look()
            #expect(watch.look() == ["pipeline"])
            mayGoOn.raise()
            try #require(eventually { rig.pipeline.status().isResting })
            // The wait itself begins a moment later.
            #expect(eventually { watch.look() == [] && watch.look() == [] })
        }
    }

    @Test("no shot is lost over a rest")
    func losesNothing() throws {
        var maker = WindowMaker(lanes: 64)
        let windows = maker.windows(30)
        var (raw, full): ([UInt8], [UInt8]) = ([], [])
        try PipelineRig(small).run { rig in
            rig.send(windows)
            while !rig.board.isIdle {
                try #require(eventually { rig.pipeline.status().isResting || rig.board.isIdle })
                raw += rig.source.takeAll(.raw)
                full += rig.source.takeAll(.full)
            }
            raw += rig.source.takeAll(.raw)
            full += rig.source.takeAll(.full)
            #expect(rig.pipeline.counters.shotsDropped.load(ordering: .relaxed) == 0)
        }
        let used = windows[2...].map { bits(of: $0, lanes: .all, words: 1) }
        let expected = ExpectedOutput(windows: used, raw: raw, inputBytes: 50)
        let isExpected = expected.rawIsWhole && full == expected.full
        #expect(isExpected)
    }

    @Test("a board that rests for long is not taken for a stalled one")
    func restIsNoStall() throws {
        var maker = WindowMaker(lanes: 64)
        try PipelineRig(small).run { rig in
            rig.send(maker.windows(10))
            try #require(eventually { rig.pipeline.status().isResting })
            // Longer than a board may be silent.
            for _ in 0..<75 { linger() }
            let reads = rig.board.calls.reads
            _ = (rig.source.takeAll(.raw), rig.source.takeAll(.full))
            #expect(eventually { rig.board.calls.reads > reads })
            try rig.settle()
            #expect(rig.states == [.serving])
        }
    }

    /// Where a pipeline can be when it is stopped, and how a test brings it there.
    struct Situation: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let setup: @Sendable (PipelineRig) -> Void
        let isThere: @Sendable (PipelineRig) -> Bool
    }

    private static let situations = [
        Situation(testDescription: "just started", setup: { _ in }, isThere: { _ in true }),
        Situation(
            testDescription: "waiting for the board", setup: { _ in },
            isThere: { $0.board.isIdle }),
        Situation(
            testDescription: "in the start-up test", setup: { $0.send(windows(1)) },
            isThere: { $0.board.isIdle }),
        Situation(
            testDescription: "serving", setup: { $0.send(windows(4)) },
            isThere: { $0.state == .serving }),
        Situation(
            testDescription: "resting", setup: { $0.send(windows(200)) },
            isThere: { $0.pipeline.status().isResting }),
        Situation(
            testDescription: "unhealthy", setup: { $0.send(windows(200, stuck: 0..<60)) },
            isThere: { $0.state == .unhealthy(good: 4, minimum: 32) }),
        Situation(
            testDescription: "waiting to open the board again",
            setup: { $0.board.failOpening([BoardError](repeating: .absent("gone"), count: 100)) },
            isThere: { $0.board.calls.opens >= 4 }),
        Situation(
            testDescription: "waiting after the board failed",
            setup: { $0.board.add(.failure(.stalled("broken"))) },
            isThere: { $0.states.contains(.failed(.stalled("broken"))) }),
    ]

    @Test("a pipeline stops wherever it is, and closes the board", arguments: situations)
    func stops(situation: Situation) throws {
        let rig = try PipelineRig(small)
        situation.setup(rig)
        // Leaving `run` stops the pipeline and checks the calls of the board.
        try rig.run { rig in
            #expect(eventually { situation.isThere(rig) })
        }
        let calls = rig.board.calls
        #expect(calls.closes == calls.starts && calls.stops == calls.starts)
        linger()
        #expect(rig.board.calls == calls, "nothing is asked of a board after the end")
    }

    private static func windows(_ count: Int, stuck: Range<Int> = 0..<0) -> [[UInt64]] {
        var maker = WindowMaker(lanes: 64)
        return maker.windows(count, stuck: stuck)
    }
}

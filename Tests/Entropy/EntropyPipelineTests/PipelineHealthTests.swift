// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import EntropyPipeline
import EntropyRing
import EntropyTerms
import LaneHealth
import PlaneTestSupport
import Synchronization
import TestSupport
import Testing

@Suite(
    "Health of a pipeline: too few good lanes and the way back, alarms, the status")
struct PipelineHealthTests {
    /// 40 of 64 lanes; with them stuck, 24 are good and 32 are needed.
    private let many = Array(10..<50)

    @Test("too few good lanes close the source, and what is in its rings is never delivered")
    func closes() throws {
        var maker = WindowMaker(lanes: 64)
        try PipelineRig().run { rig in
            try rig.pass(maker.windows(5))
            #expect(rig.source.deliverableCount(.full) > 0)
            #expect(rig.source.deliverableCount(.raw) > 0)
            try rig.pass([maker.window(stuck: many)])
            #expect(rig.state == .unhealthy(good: 24, minimum: 32))
            #expect(!rig.source.isOpen)
            #expect(rig.source.takeAll(.raw) == [] && rig.source.takeAll(.full) == [])
            #expect(rig.source.full.free == rig.source.full.capacity)
            #expect(rig.source.raw.free == rig.source.raw.capacity)
        }
    }

    @Test("the way back leads through the start-up test, and only bits from after it are delivered")
    func recovers() throws {
        var maker = WindowMaker(lanes: 64)
        try PipelineRig().run { rig in
            try rig.pass(maker.windows(5))
            let epoch = rig.source.healthEpoch.load(ordering: .relaxed)
            try rig.pass([maker.window(stuck: many)])
            try rig.pass([maker.window(ending: many)] + maker.windows(2))
            #expect(rig.state == .unhealthy(good: 24, minimum: 32))
            #expect(!rig.source.isOpen)
            let windows = maker.windows(4)
            try rig.pass(windows)
            #expect(rig.state == .serving)
            #expect(
                rig.states == [.serving, .unhealthy(good: 24, minimum: 32), .serving])
            #expect(rig.source.healthEpoch.load(ordering: .relaxed) == epoch + 2)
            let raw = rig.source.takeAll(.raw)
            let full = rig.source.takeAll(.full)
            let expected = ExpectedOutput(
                windows: windows.map { bits(of: $0, lanes: .all, words: 1) }, raw: raw,
                inputBytes: 50)
            let isExpected = expected.rawIsWhole && full == expected.full
            #expect(isExpected)
            #expect(!raw.isEmpty && !full.isEmpty)
        }
    }

    @Test("one payload under fresh headers is never served", arguments: [1, 4])
    func onePayload(frames: Int) throws {
        var maker = WindowMaker(lanes: 64)
        let payload = maker.window().prefix(256 * frames)
        let window = (0..<4 / frames).flatMap { _ in payload }
        try PipelineRig().run { rig in
            try rig.pass([[UInt64]](repeating: window, count: 100))
            #expect(rig.state == .repeating)
            #expect(rig.states == [.repeating])
            #expect(rig.source.takeAll(.raw) == [] && rig.source.takeAll(.full) == [])
            #expect(rig.pipeline.counters.framesAccepted.load(ordering: .relaxed) == 400)
        }
    }

    @Test("the averages of a lane that failed begin anew when it comes back, and its alarm says what was measured")
    func averages() throws {
        var maker = WindowMaker(lanes: 64)
        try PipelineRig().run { rig in
            try rig.pass(maker.windows(10, stuck: [7]))
            let failed = rig.pipeline.status()
            #expect(failed.monitor?.ones(lane: 7) == 1)
            // A run that long is a matter of the repetition count test, which measures no entropy.
            #expect(failed.alarms.last?.alarm.test == .repetitionCount)
            #expect(failed.alarms.last?.measuredEntropyPerBit == nil)
            // The first window still ends the run; the second one begins the start-up test.
            try rig.pass([maker.window(ending: [7])] + maker.windows(4))
            let monitor = try #require(rig.pipeline.status().monitor)
            #expect(abs(monitor.ones(lane: 7) - 0.5) < 0.1)
            #expect(monitor.shots(lane: 7) < monitor.shots(lane: 8))
            // In 16 shots 13 ones, a zero and two fair bits: the runs are short.
            let biased = maker.window().enumerated().map { $0.offset % 8 == 4 ? $0.element : $0.element | 1 << 9 }
            try rig.pass([biased.enumerated().map { $0.offset % 16 == 15 ? $0.element & ~(1 << 9) : $0.element }])
            let alarm = try #require(rig.pipeline.status().alarms.last)
            #expect(alarm.alarm.lane == 9 && alarm.alarm.test == .adaptiveProportion)
            #expect(try #require(alarm.measuredEntropyPerBit) < 0.2)
        }
    }

    @Test("nothing is ever served when too few lanes are good from the start")
    func neverHealthy() throws {
        var maker = WindowMaker(lanes: 64)
        try PipelineRig().run { rig in
            try rig.pass(maker.windows(2, stuck: many))
            #expect(rig.state == .starting)
            try rig.pass(maker.windows(3, stuck: many))
            #expect(rig.state == .unhealthy(good: 24, minimum: 32))
            #expect(rig.states == [.unhealthy(good: 24, minimum: 32)])
            #expect(!rig.source.isOpen)
            #expect(rig.source.raw.free == rig.source.raw.capacity)
            #expect(rig.source.full.free == rig.source.full.capacity)
        }
    }

    @Test(
        "exactly the minimum of good lanes is enough, and one fewer is not",
        arguments: [(32, true), (33, false)])
    func minimum(stuck: Int, isServing: Bool) throws {
        var maker = WindowMaker(lanes: 64)
        try PipelineRig().run { rig in
            try rig.pass(maker.windows(4, stuck: 0..<stuck))
            #expect(rig.source.isOpen == isServing)
            #expect((rig.state == .serving) == isServing)
        }
    }

    @Test(
        "the minimum is the percentage of the lanes, rounded up",
        arguments: [(64, 1, 1), (64, 50, 32), (64, 51, 33), (64, 100, 64), (512, 75, 384)])
    func percentage(lanes: Int, percent: Int, expected: Int) {
        let settings = PipelineSettings(
            claimedEntropyPerBit: 1, startUpWindows: 1, minimumGoodLanesPercent: percent,
            locksMemory: false)
        #expect(settings.minimumGoodLanes(of: lanes) == expected)
    }

    @Test("alarms are reported once, kept with their time, and no more than the newest 64")
    func alarms() throws {
        var maker = WindowMaker(lanes: 128)
        try PipelineRig(.init(lanes: 128, minimumGoodLanesPercent: 1)).run { rig in
            try rig.pass(maker.windows(3))
            try rig.pass(maker.windows(3, stuck: 20..<120))
            let reported = rig.events.compactMap {
                if case .alarm(let alarm) = $0 { alarm } else { nil }
            }
            #expect(reported.map(\.lane) == Array(20..<120))
            #expect(
                reported.allSatisfy {
                    $0.test == .repetitionCount && $0.severity == .failure && $0.window == 3
                })
            let kept = rig.pipeline.status().alarms
            #expect(kept.map(\.alarm) == Array(reported.suffix(64)))
            #expect(zip(kept, kept.dropFirst()).allSatisfy { $0.time <= $1.time })
            #expect(kept.allSatisfy { $0.time > 1_600_000_000 })
        }
    }

    @Test("failures are kept, however many warnings come after them")
    func warningsPushOutNoFailure() throws {
        var maker = WindowMaker(lanes: 128)
        try PipelineRig(.init(lanes: 128, minimumGoodLanesPercent: 1)).run { rig in
            let run = HealthCutoffs(
                claimedEntropyPerBit: rig.pipeline.settings.claimedEntropyPerBit
            ).repetitionCountWarning
            try rig.pass(maker.windows(3))
            try rig.pass(maker.windows(1, stuck: 0..<3))
            // A run of ones between two zeros in each of the other lanes.
            var rows = maker.window(stuck: 0..<3)
            for shot in 100...(101 + run) {
                let isEdge = shot == 100 || shot == 101 + run
                rows[2 * shot] = isEdge ? 7 : .max
                rows[2 * shot + 1] = isEdge ? 0 : .max
            }
            try rig.pass([rows])
            let kept = rig.pipeline.status().alarms.map(\.alarm)
            #expect(
                kept.filter { $0.severity == .failure && $0.lane != nil }.map(\.lane) == [0, 1, 2])
            #expect(
                kept.filter { $0.severity == .warning }.compactMap(\.lane)
                    == Array(Array(3..<128).suffix(64)))
        }
    }

    @Test("the status fits together, whenever it is asked for")
    func statusIsConsistent() throws {
        var maker = WindowMaker(lanes: 64)
        try PipelineRig().run { rig in
            rig.send(maker.windows(40) + maker.windows(3, stuck: many) + maker.windows(40))
            var windows = 0
            let isDone = eventually {
                _ = (rig.source.takeAll(.raw), rig.source.takeAll(.full))
                let status = rig.pipeline.status()
                guard let ledger = status.ledger else { return false }
                let counts = ledger.counts
                #expect(counts.starting + counts.good + counts.warned + counts.failed == 64)
                #expect(
                    ledger.admitted.reduce(0) { $0 + $1.nonzeroBitCount } == counts.admitted)
                #expect(ledger.windows >= windows)
                #expect(status.description == rig.description)
                windows = ledger.windows
                return rig.board.isIdle
            }
            #expect(isDone)
            #expect(rig.pipeline.status().ledger?.windows == 83)
            let counters = rig.pipeline.counters
            #expect(counters.shots.load(ordering: .relaxed) == 83 * 1024)
            #expect(counters.framesAccepted.load(ordering: .relaxed) == 83 * 4)
            #expect(counters.temperature.load(ordering: .relaxed) == 2512)
            #expect(counters.newestBits.load(ordering: .relaxed) > 0)
        }
    }
}

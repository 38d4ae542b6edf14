// SPDX-License-Identifier: Apache-2.0

import EntropyPipeline
import EntropyRing
import EntropyTerms
import LaneHealth
import PlaneTestSupport
import Synchronization
import TestSupport
import Testing

@Suite(
    "Output of a pipeline: the exact bytes of raw and full for start-up, stuck and failing lanes, claims; the grades share nothing"
)
struct PipelineOutputTests {
    @Test("leaves out the windows of the start-up test", arguments: [1, 2, 4])
    func startUp(windows count: Int) throws {
        var maker = WindowMaker(lanes: 64)
        let windows = maker.windows(count + 4)
        try PipelineRig(.init(startUpWindows: count)).run { rig in
            try rig.pass(Array(windows[..<count]))
            #expect(rig.state == .starting)
            #expect(!rig.source.isOpen)
            #expect(rig.source.raw.available == 0 && rig.source.full.available == 0)
            try rig.pass(Array(windows[count...]))
            #expect(rig.state == .serving)
            #expect(rig.states == [.serving])
            try expectOutput(of: rig, windows[count...].map { bits(of: $0, lanes: .all, words: 1) })
        }
    }

    @Test(
        "has no bit of a lane that is stuck from the start, and every bit of the others",
        arguments: [
            (64, [0, 5, 63]), (192, [64, 65, 127, 128, 191]), (576, [1, 511, 512, 575]),
        ] as [(Int, [Int])])
    func stuckLanes(lanes: Int, stuck: [Int]) throws {
        var maker = WindowMaker(lanes: lanes)
        let windows = maker.windows(8, stuck: stuck)
        let used = (0..<lanes).filter { !stuck.contains($0) }
        try PipelineRig(.init(lanes: lanes)).run { rig in
            try rig.pass(windows)
            try expectOutput(
                of: rig, windows[2...].map { bits(of: $0, lanes: used, words: lanes / 64) })
            let ledger = try #require(rig.pipeline.status().ledger)
            #expect(ledger.counts.failed == stuck.count)
            #expect(ledger.counts.good == used.count)
        }
    }

    @Test(
        "is made of blocks for which enough entropy is credited",
        arguments: [(0.9, 45), (0.8, 50), (0.5, 80), (0.3, 134), (0.1, 400)])
    func claims(claim: Double, inputBytes: Int) throws {
        var maker = WindowMaker(lanes: 64)
        let windows = maker.windows(12)
        try PipelineRig(.init(claim: claim)).run { rig in
            try rig.pass(windows)
            #expect(rig.pipeline.status().alarms == [])
            let blocks = rig.source.full.available / 32
            try expectOutput(
                of: rig, windows[2...].map { bits(of: $0, lanes: .all, words: 1) },
                inputBytes: inputBytes)
            let credited = rig.pipeline.counters.creditedBits.load(ordering: .relaxed)
            #expect(credited >= UInt64(blocks * 320))
            #expect(credited <= UInt64(Double(blocks * inputBytes * 8) * claim))
        }
    }

    @Test("never uses a window for both grades, while both are taken at changing rates")
    func gradesShareNothing() throws {
        var maker = WindowMaker(lanes: 128)
        let windows = maker.windows(62)
        var (raw, full): ([UInt8], [UInt8]) = ([], [])
        try PipelineRig(.init(lanes: 128, ringBytes: 1 << 16)).run { rig in
            rig.send(windows)
            // Both rings are full then, however slow the pipeline is beside the test.
            let isFull = eventually { rig.pipeline.status().isResting }
            #expect(isFull)
            var turn = 0
            let isDone = eventually {
                turn += 1
                if !turn.isMultiple(of: 3) { raw += rig.source.takeAll(.raw) }
                if !turn.isMultiple(of: 2) { full += rig.source.takeAll(.full) }
                return rig.board.isIdle
            }
            #expect(isDone)
            raw += rig.source.takeAll(.raw)
            full += rig.source.takeAll(.full)
        }
        let used = windows[2...].map { bits(of: $0, lanes: .all(of: 128), words: 2) }
        let expected = ExpectedOutput(windows: used, raw: raw, inputBytes: 50)
        #expect(expected.rawIsWhole)
        #expect((1..<used.count).contains(expected.rawWindows.count), "both grades were made")
        let fullIsExpected = full == expected.full
        #expect(fullIsExpected)
    }

    @Test("leaves a lane out from the window that fails it to the end of its next start-up test")
    func laneFailsAndReturns() throws {
        var maker = WindowMaker(lanes: 64)
        let others = (0..<64).filter { $0 != 7 }
        var expected: [[UInt8]] = []
        try PipelineRig().run { rig in
            func pass(_ window: [UInt64], lanes: [Int]) throws {
                try rig.pass([window])
                expected.append(bits(of: window, lanes: lanes, words: 1))
            }
            try rig.pass(maker.windows(2))
            for _ in 0..<3 { try pass(maker.window(), lanes: .all) }
            let epoch = rig.source.healthEpoch.load(ordering: .relaxed)
            try pass(maker.window(stuck: [7]), lanes: others)
            #expect(rig.source.healthEpoch.load(ordering: .relaxed) == epoch + 1)
            // A failed lane is at the start of the test after a clean window, and good after two
            // more.
            try pass(maker.window(ending: [7]), lanes: others)
            for _ in 0..<2 { try pass(maker.window(), lanes: others) }
            #expect(rig.source.healthEpoch.load(ordering: .relaxed) == epoch + 2)
            for _ in 0..<3 { try pass(maker.window(), lanes: .all) }
            #expect(rig.states == [.serving])
            try expectOutput(of: rig, expected)
        }
    }

    /// Takes all out of the rings of a rig, and compares it with what these bits have to make.
    private func expectOutput(
        of rig: PipelineRig, _ windows: [[UInt8]], inputBytes: Int = 50
    ) throws {
        let raw = rig.source.takeAll(.raw)
        let full = rig.source.takeAll(.full)
        let expected = ExpectedOutput(windows: windows, raw: raw, inputBytes: inputBytes)
        #expect(expected.rawIsWhole)
        #expect(!expected.rawWindows.isEmpty)
        #expect(!full.isEmpty)
        let fullIsExpected = full == expected.full
        #expect(fullIsExpected)
    }
}

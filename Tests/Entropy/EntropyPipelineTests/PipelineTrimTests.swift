// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import EntropyPipeline
import EntropyRing
import EntropyTerms
import LaneHealth
import OperatingPointControl
import PlaneTestSupport
import Synchronization
import TestSupport
import Testing

@Suite(
    "A pipeline that trims lanes: trims are learned before a bit is served and held then; devices that no trim moves"
)
struct PipelineTrimTests {
    /// Bases from 0.4 to 0.6.
    private static let spread = ModelDevices(lanes: 64, spread: 0.1, seed: 31)

    @Test("learns the trims before it serves a bit, and holds them then")
    func learnsAndHolds() throws {
        try ModelRig(.init(devices: Self.spread, trim: TrimSettings())).run { rig in
            try #require(eventually { rig.state == .serving })
            #expect(rig.states == [.tuning, .starting, .serving])
            let trims = rig.board.trims
            #expect(Set(trims).count > 32)
            #expect(rig.pipeline.status().trim?.state == .holding)
            // A measurement of 65,536 shots has a standard deviation of 0.002.
            let off = rig.board.probabilities.map { abs($0 - 0.5) }
            #expect(off.allSatisfy { $0 < zLimit * 0.0025 })
            #expect(rig.pipeline.status().trim?.untrimmable == 0)
            let isHolding = rig.trimsMove()
            #expect(isHolding, "the trims follow while bits are served")
            #expect(rig.states == [.tuning, .starting, .serving])
        }
    }

    @Test(
        "serves nothing of what came before the trims were learned, and all after the start-up test"
    )
    func servesAfterLearning() throws {
        // Each measurement is 2 windows after a change of the trims.
        let learning = TrimLoop.learningRounds * (TrimLoop.measurementShots / 1024 + 2)
        let rig = try ModelRig(.init(devices: Self.spread, trim: TrimSettings()))
        rig.board.limit(shots: (learning + 12) * 1024)
        try rig.run { rig in
            try rig.settle()
            #expect(rig.state == .serving)
            let served = rig.windows().suffix(10)
            rig.expectOutput(served.map { bits(of: $0, lanes: .all, words: 1) })
            #expect(rig.pipeline.status().ledger?.windows == 12)
            #expect(rig.pipeline.counters.shots.load(ordering: .relaxed) == 12 * 1024)
        }
    }

    @Test("shows how far it is, and the lanes that no trim brings to one half")
    func untrimmable() throws {
        var devices = Self.spread
        devices.stuck = [5]
        devices.slope[9] = 0
        devices.base[11] = 0.9
        devices.slope[11] = 0.0005
        let rig = try ModelRig(.init(devices: devices, trim: TrimSettings()))
        rig.board.limit(shots: TrimLoop.measurementShots + 3 * 1024)
        try rig.run { rig in
            try rig.settle()
            #expect(rig.state == .tuning)
            guard case .learning(let rounds) = rig.pipeline.status().trim?.state else {
                Issue.record("it does not learn")
                return
            }
            #expect(rounds < TrimLoop.learningRounds)
            #expect(!rig.source.isOpen && rig.pipeline.status().alarms == [])
            rig.board.limit(shots: .max)
            try #require(eventually { rig.state == .serving })
            let trim = try #require(rig.pipeline.status().trim)
            #expect(trim.state == .holding)
            #expect(trim.untrimmable == 3)
            #expect(trim.trims == rig.board.trims)
        }
    }

    @Test(
        "sets nothing when it is not to, or the board cannot be tuned",
        arguments: [(nil, true), (TrimSettings(), false), (nil, false)] as [(TrimSettings?, Bool)])
    func setsNothing(trim: TrimSettings?, isTunable: Bool) throws {
        try ModelRig(.init(devices: Self.spread, isTunable: isTunable, trim: trim)).run { rig in
            try #require(eventually { rig.state == .serving })
            #expect(rig.states == [.serving])
            #expect(rig.pipeline.status().trim == nil)
            #expect(rig.board.calls.filter { $0 != .telemetry } == [.open, .start])
            #expect(rig.board.calls.contains(.telemetry) == isTunable)
            // The negative control: without trims the lanes stay where they are.
            let off = rig.board.probabilities.map { abs($0 - 0.5) }
            #expect(!off.allSatisfy { $0 < zLimit * 0.0025 })
        }
    }

    @Test("learns anew when the board was opened again")
    func learnsAgain() throws {
        try ModelRig(.init(devices: Self.spread, trim: TrimSettings())).run { rig in
            try #require(eventually { rig.state == .serving })
            rig.board.fail(.read, .stalled("broken"))
            let isBack = rig.passes([
                .tuning, .starting, .serving, .failed(.stalled("broken")), .tuning, .starting,
                .serving,
            ])
            #expect(isBack)
        }
    }
}

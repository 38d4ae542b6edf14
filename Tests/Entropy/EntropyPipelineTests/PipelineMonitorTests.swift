// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardOperations
import BoardProtocol
import Conditioning
import EntropyPipeline
import EntropyRing
import EntropyTerms
import Glibc
import LaneHealth
import PlaneTestSupport
import Synchronization
import TestSupport
import Testing

@Suite(
    "What a pipeline sees beside single lanes, and makes of several: common disturbances, resistance, folded lanes, boards that end, rows of rejected frames"
)
struct PipelineMonitorTests {
    @Test("correlated lanes close the gate, and come back through the start-up test")
    func crossLane() throws {
        let rig = try ModelRig()
        rig.board.limit(shots: 20 * 1024)
        rig.board.before(shot: 8 * 1024) { $0.change { $0.commonShift = 0.2 } }
        rig.board.before(shot: 9 * 1024) { $0.change { $0.commonShift = 0 } }
        try rig.run { rig in
            try rig.settle()
            #expect(rig.states == [.serving, .correlated, .serving])
            let alarms = rig.pipeline.status().alarms.map(\.alarm)
            #expect(
                alarms == [LaneAlarm(lane: nil, test: .crossLane, severity: .failure, window: 8)])
            // Window 9 is the first clean one, 10 and 11 are the start-up test.
            let served = rig.windows()[12...]
            rig.expectOutput(served.map { bits(of: $0, lanes: .all, words: 1) })
        }
    }

    @Test("a device whose resistance collapses is left out, and no other", .thorough)
    func resistance() throws {
        let rig = try ModelRig(.init(ringBytes: 1 << 21))
        rig.board.limit(shots: 270 * 1024)
        rig.board.before(shot: 100 * 1024) { $0.change { $0.ohms[7] /= 5 } }
        try rig.run { rig in
            try rig.settle()
            // It is asked after windows 0 and 256.
            #expect(rig.board.calls.filter { $0 == .telemetry }.count == 2)
            let alarms = rig.pipeline.status().alarms.map(\.alarm)
            #expect(
                alarms == [LaneAlarm(lane: 7, test: .resistance, severity: .failure, window: 257)])
            #expect(rig.pipeline.status().telemetry?.resistanceOhms[7] == 20_000)
            #expect(rig.states == [.serving])
            let windows = rig.windows()
            let others = [Int].all.filter { $0 != 7 }
            rig.expectOutput(
                windows[2..<257].map { bits(of: $0, lanes: .all, words: 1) }
                    + windows[257...].map { bits(of: $0, lanes: others, words: 1) })
        }
    }

    // MARK: Folding

    /// H = 0.8 of a lane leaves 0.968448 of two and 0.999295 of four, by the piling-up lemma; a block takes
    /// 320 bits of it. Worked out elsewhere.
    private static let folds: [(lanes: Int, parts: Int, inputBytes: Int, entropy: Double)] = [
        (128, 2, 42, 0.968448), (256, 2, 42, 0.968448), (256, 4, 41, 0.999295),
        (512, 4, 41, 0.999295),
    ]

    @Test("folded lanes: exact bytes, without those a part of which has failed", arguments: folds)
    func foldedLanes(lanes: Int, parts: Int, inputBytes: Int, entropy: Double) throws {
        var devices = ModelDevices(lanes: lanes)
        // Both of these are parts of folded lanes, the second of the last part.
        devices.stuck = [5, lanes - 3]
        let rig = try ModelRig(.init(devices: devices, fold: parts))
        rig.board.limit(shots: 14 * 1024)
        try rig.run { rig in
            try rig.settle()
            #expect(rig.state == .serving)
            let words = lanes / 64
            let left = lanes / parts
            let lanes = (0..<left).filter { $0 != 5 && $0 != left - 3 }
            let blocks = rig.source.full.available / 32
            let served = rig.windows()[2...].map { window in
                bits(
                    of: folded(window, words: words, parts: parts), lanes: lanes,
                    words: left / 64)
            }
            rig.expectOutput(served, inputBytes: inputBytes)
            #expect(blocks > 0)
            let credited = Double(rig.pipeline.counters.creditedBits.load(ordering: .relaxed))
            let used = Double(blocks * inputBytes * 8)
            #expect(credited <= used * entropy && credited > used * (entropy - 0.000002) - 12)
            #expect(rig.pipeline.status().ledger?.counts.failed == 2)
        }
    }

    @Test(
        "a board that cannot be folded is refused with the remedy", arguments: [(64, 2), (128, 4)])
    func cannotFold(lanes: Int, parts: Int) throws {
        try ModelRig(.init(devices: ModelDevices(lanes: lanes), fold: parts)).run { rig in
            guard case .failed(.unsupported(let cause)) = rig.state else {
                Issue.record("\(rig.state)")
                return
            }
            #expect(cause.contains("\(lanes) lanes cannot be folded by \(parts)"))
            #expect(cause.contains("xorFold"))
        }
    }

    /// The rows of a window, each word with the words that are folded onto it.
    private func folded(_ rows: [UInt64], words: Int, parts: Int) -> [UInt64] {
        let left = words / parts
        return (0..<rows.count / words).flatMap { shot in
            (0..<left).map { word in
                (0..<parts).reduce(0) { $0 ^ rows[shot * words + word + $1 * left] }
            }
        }
    }

    // MARK: The end of a board

    private static let end = BoardError.ended("the recording is over")

    @Test("a board that has ended is not opened again; what is in the rings can be taken")
    func ended() throws {
        let rig = try ModelRig()
        rig.board.before(shot: 10 * 1024) { $0.fail(.read, Self.end) }
        try rig.run { rig in
            try #require(eventually { rig.state == .ended(Self.end) })
            #expect(rig.states == [.serving, .ended(Self.end)])
            #expect(try rig.perform(.clearFaults).isFinished)
            #expect(rig.source.isOpen)
            linger()
            rig.expectOutput(rig.windows()[2...].map { bits(of: $0, lanes: .all, words: 1) })
            try #require(eventually { !rig.source.isOpen })
            for task in [
                TestTask.setOperatingPoint(ModelBoard.startingPoint),
                .record(TestSink(shots: 1)),
            ] {
                #expect(try rig.perform(task).failure == .board(Self.end.description))
            }
            #expect(try rig.perform(.clearFaults).isFinished)
            #expect(rig.state == .ended(Self.end))
        }
        #expect(rig.board.calls.filter { $0 == .open }.count == 1)
        #expect(rig.board.calls.filter { $0 == .close }.count == 1)
    }

    @Test(
        "a board that has ended before it began is not opened again either",
        arguments: [ModelBoard.Failing.open, .start])
    func endedAtOnce(call: ModelBoard.Failing) throws {
        let rig = try ModelRig()
        rig.board.fail(call, Self.end)
        try rig.run { rig in
            #expect(rig.state == .ended(Self.end))
            // Longer than until a board that failed is opened again.
            for _ in 0..<20 { linger() }
            #expect(rig.board.calls.filter { $0 == .open }.count == 1)
            #expect(!rig.source.isOpen)
        }
    }

    @Test("a job ends with the board")
    func endsInJob() throws {
        let rig = try ModelRig()
        rig.board.before(shot: 12 * 1024) { $0.fail(.read, Self.end) }
        let job = rig.begin(.record(TestSink(shots: 1 << 40)), beforeShot: 10 * 1024)
        try rig.run { rig in
            let failure = try job.end().failure
            #expect(failure == .board(Self.end.description))
            #expect(eventually { rig.state == .ended(Self.end) })
            #expect(rig.source.isOpen)
        }
    }

    // MARK: Frames that cannot be used

    @Test("frames that cannot be used are reported once for each row of them")
    func rejectedFrames() throws {
        var maker = WindowMaker(lanes: 64)
        try PipelineRig().run { rig in
            var frames = FrameMaker(rig.description)
            for isDamaged in [false, true, true, true, false, false, true, true, false] {
                var frame = frames.frame(Array(maker.window()[..<256]))
                if isDamaged { frame[500] ^= 1 }
                rig.board.add(.bytes(frame))
            }
            try rig.settle()
            let reported = rig.events.compactMap {
                if case .framesRejected(let rejection) = $0 { rejection } else { nil }
            }
            #expect(reported == [.checksum, .checksum])
            #expect(rig.pipeline.counters.framesRejected.load(ordering: .relaxed) == 5)
        }
    }
}

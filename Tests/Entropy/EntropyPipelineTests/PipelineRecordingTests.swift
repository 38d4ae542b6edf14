// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardOperations
import BoardProtocol
import EntropyPipeline
import EntropyRing
import EntropyTerms
import LaneHealth
import OperatingPointControl
import PlaneTestSupport
import TestSupport
import Testing

@Suite(
    "Recordings of a pipeline: recorded frames byte for byte, none of their bits served; faults, starts, sinks that fail or stall"
)
struct PipelineRecordingTests {
    /// Where a recording of the running stream begins, and how long it is: in the middle of windows, at
    /// their edges, within one, and in the start-up test. Frames have 256 shots; the one that is read when
    /// a job is begun is not recorded.
    private static let places: [(begin: Int, shots: Int)] = [
        (10 * 1024 + 256, 3000), (10 * 1024 - 256, 1024), (10 * 1024 - 256, 1025),
        (10 * 1024, 256), (10 * 1024 + 512, 1), (10 * 1024 + 512, 257), (512, 1024), (512, 4000),
        (0, 3 * 1024), (25 * 1024, 10 * 1024),
    ]

    @Test(
        "hold the frames as they came, and no recorded bit is served", .thorough, arguments: places)
    func runningStream(begin: Int, shots: Int) throws {
        let sink = TestSink(shots: shots)
        let rig = try ModelRig()
        rig.board.limit(shots: 40 * 1024)
        let job = rig.begin(.record(sink), beforeShot: begin)
        try rig.run { rig in
            guard case .recorded(let recorded) = try job.end() else {
                Issue.record("it does not record")
                return
            }
            let count = (shots + 255) / 256
            #expect(recorded == 256 * count, "the shots in the file, not those asked for")
            try rig.settle()
            #expect(rig.state == .serving)
            let stretch = rig.board.stretches[0]
            let first = begin / 256 + 1
            let isWhole = sink.frames == Array(stretch.frames[first..<first + count])
            #expect(isWhole)
            #expect(sink.begun == [rig.board.description])
            #expect(rig.events.contains(.recorded(shots: 256 * count)))
            let touched = first * 256 / 1024...((first + count) * 256 - 1) / 1024
            let served = rig.windows().enumerated().filter {
                $0.offset >= 2 && !touched.contains($0.offset)
            }
            rig.expectOutput(served.map { bits(of: $0.element, lanes: .all, words: 1) })
            #expect(rig.pipeline.status().ledger?.windows == 40, "all windows were tested")
            #expect(rig.board.calls.filter { $0 == .start }.count == 1)
        }
    }

    @Test("say so, and what was in the rings is served meanwhile")
    func state() throws {
        let rig = try ModelRig()
        try rig.run { rig in
            try #require(eventually { rig.state == .serving })
            let job = try rig.begin(.record(TestSink(shots: 1 << 40)))
            try #require(eventually { rig.state == .recording })
            #expect(rig.source.isOpen)
            #expect(rig.source.deliverableCount(.full) > 0)
            job.cancel()
            #expect(try job.end().failure == .cancelled)
            try #require(eventually { rig.state == .serving })
            #expect(rig.states == [.serving, .recording, .serving])
        }
    }

    @Test("in the start-up test or while trims are learned are no reason to serve, or not to")
    func beforeServing() throws {
        let rig = try ModelRig(.init(trim: TrimSettings()))
        let short = rig.begin(.record(TestSink(shots: 1024)), beforeShot: 1024)
        let long = rig.begin(
            .record(TestSink(shots: 10 * 1024)),
            beforeShot: (TrimLoop.learningRounds * (TrimLoop.measurementShots / 1024 + 2) - 5)
                * 1024)
        try rig.run { rig in
            guard case .recorded = try short.end(), case .recorded = try long.end() else {
                Issue.record("it does not record")
                return
            }
            try #require(eventually { rig.state == .serving })
            #expect(!rig.states.contains { if case .unhealthy = $0 { true } else { false } })
            #expect(Array(rig.states.prefix(3)) == [.tuning, .recording, .tuning])
        }
    }

    @Test("do not keep the lanes from being tested: one that is stuck alarms and is left out")
    func stuckLane() throws {
        let rig = try ModelRig()
        rig.board.limit(shots: 30 * 1024)
        rig.board.before(shot: 12 * 1024) { $0.change { $0.stuck = [7] } }
        let job = rig.begin(
            .record(TestSink(shots: 10 * 1024)), beforeShot: 10 * 1024 - 256)
        try rig.run { rig in
            guard case .recorded = try job.end() else {
                Issue.record("it does not record")
                return
            }
            try rig.settle()
            let alarms = rig.pipeline.status().alarms.map(\.alarm)
            #expect(alarms.map(\.lane) == [7])
            #expect(alarms.first?.window == 12)
            #expect(rig.states == [.serving, .recording, .serving])
            let others = [Int].all.filter { $0 != 7 }
            let windows = rig.windows()
            rig.expectOutput(
                windows[2..<10].map { bits(of: $0, lanes: .all, words: 1) }
                    + windows[20...].map { bits(of: $0, lanes: others, words: 1) })
        }
    }

    @Test("close the gate when too few lanes are good, and go on themselves")
    func unhealthy() throws {
        let rig = try ModelRig()
        rig.board.limit(shots: 30 * 1024)
        rig.board.before(shot: 12 * 1024) { $0.change { $0.stuck = Set(0..<40) } }
        rig.board.before(shot: 22 * 1024) { $0.change { $0.stuck = [] } }
        let sink = TestSink(shots: 10 * 1024)
        let job = rig.begin(.record(sink), beforeShot: 10 * 1024 - 256)
        rig.board.before(shot: 14 * 1024) { _ in #expect(!rig.source.isOpen) }
        try rig.run { rig in
            guard case .recorded = try job.end() else {
                Issue.record("it does not record")
                return
            }
            try rig.settle()
            #expect(sink.frames.count == 40)
            #expect(
                rig.states == [.serving, .recording, .unhealthy(good: 24, minimum: 32), .serving])
            // Window 22 is the first clean one of the lanes whose run of ones it does not go on with,
            // 23 of the others; two more windows are the start-up test.
            let windows = rig.windows()
            let early = [Int].all.filter { $0 >= 40 || windows[22][0] >> UInt64($0) & 1 == 0 }
            rig.expectOutput(
                [bits(of: windows[25], lanes: early, words: 1)]
                    + windows[26...].map { bits(of: $0, lanes: .all, words: 1) })
        }
    }

    @Test("of many starts begin each with the first shot after it, and the tests begin anew then")
    func starts() throws {
        let sink = TestSink(shots: 1000, starts: 5)
        let rig = try ModelRig()
        rig.board.limit(shots: 10 * 1024)
        let job = rig.begin(.record(sink), beforeShot: 5 * 1024)
        try rig.run { rig in
            guard case .recorded(let shots) = try job.end() else {
                Issue.record("it does not record")
                return
            }
            #expect(shots == 5 * 1024, "the shots in the file, not those asked for")
            try rig.settle()
            let once = Array(UInt32(0)..<4)
            #expect(sink.headers.map(\.sequence) == (0..<5).flatMap { _ in once })
            let isWhole =
                sink.frames == rig.board.stretches[1...5].flatMap { $0.frames.prefix(4) }
            #expect(isWhole)
            #expect(rig.board.stretches.count == 7)
            #expect(rig.states == [.serving, .recording, .starting, .serving])
            let served = rig.windows(ofStart: 6).dropFirst(2)
            rig.expectOutput(served.map { bits(of: $0, lanes: .all, words: 1) })
        }
    }

    @Test("of many starts leave the trims as they are, and those are held on", .thorough)
    func startsKeepTrims() throws {
        let devices = ModelDevices(lanes: 64, spread: 0.1, seed: 41)
        try ModelRig(.init(devices: devices, trim: TrimSettings())).run { rig in
            try #require(eventually { rig.pipeline.status().isResting })
            let trims = rig.board.trims
            guard case .recorded = try rig.perform(.record(TestSink(shots: 100, starts: 3))) else {
                Issue.record("it does not record")
                return
            }
            #expect(rig.board.trims == trims)
            for _ in 0..<3 {
                let isHolding = rig.trimsMove()
                #expect(isHolding)
            }
            #expect(rig.board.probabilities.allSatisfy { abs($0 - 0.5) < zLimit * 0.0025 })
            #expect(
                rig.states == [.tuning, .starting, .serving, .recording, .starting, .serving])
        }
    }

    @Test("that cannot be begun cost nothing", arguments: [1, 3])
    func cannotBegin(starts: Int) throws {
        let rig = try ModelRig()
        rig.board.limit(shots: 20 * 1024)
        let sink = TestSink(shots: 1000, starts: starts, failsAtBegin: true)
        let job = rig.begin(.record(sink), beforeShot: 10 * 1024 + 512)
        try rig.run { rig in
            #expect(try job.end().failure == .recording("no such directory"))
            try rig.settle()
            #expect(rig.states == [.serving])
            rig.expectOutput(
                rig.windows().dropFirst(2).map { bits(of: $0, lanes: .all, words: 1) })
        }
    }

    @Test("that cannot be gone on with end, and what was handed over is not served")
    func failsInTheMiddle() throws {
        let rig = try ModelRig()
        rig.board.limit(shots: 20 * 1024)
        let sink = TestSink(shots: 1 << 40, failsAtFrame: 4)
        let job = rig.begin(.record(sink), beforeShot: 10 * 1024 - 256)
        try rig.run { rig in
            #expect(try job.end().failure == .recording("no room"))
            try rig.settle()
            #expect(sink.frames.count == 5)
            let windows = rig.windows()
            rig.expectOutput(
                (windows[2..<10] + windows[12...]).map { bits(of: $0, lanes: .all, words: 1) })
        }
    }

    @Test("of many starts that fail or are cancelled let the board serve again", arguments: [0, 6])
    func startsFail(failsAtFrame: Int) throws {
        try ModelRig().run { rig in
            try #require(eventually { rig.state == .serving })
            let sink = TestSink(shots: 1000, starts: 5, failsAtFrame: failsAtFrame)
            #expect(try rig.perform(.record(sink)).failure == .recording("no room"))
            try #require(eventually { rig.state == .serving })
            let job = try rig.begin(.record(TestSink(shots: 1 << 40, starts: 2)))
            try #require(eventually { rig.state == .recording })
            job.cancel()
            #expect(try job.end().failure == .cancelled)
            try #require(eventually { rig.state == .serving })
        }
    }

    @Test("wait for a disk that stalls at the beginning, and the board serves meanwhile", arguments: [1, 3])
    func stalledBeginning(starts: Int) throws {
        let sink = TestSink(shots: 4096, starts: starts, stallingAt: .beginning)
        try ModelRig().run { rig in
            try #require(eventually { rig.state == .serving })
            let job = try rig.begin(.record(sink))
            try #require(eventually { !sink.begun.isEmpty })
            let shots = rig.pipeline.status().ledger?.windows ?? 0
            try #require(eventually { rig.pipeline.status().ledger?.windows ?? 0 > shots + 10 })
            #expect(rig.states == [.serving] && sink.frames.isEmpty)
            sink.goOn()
            guard case .recorded = try job.end() else {
                Issue.record("it does not record")
                return
            }
        }
    }

    @Test("end once the disk has taken the frames, and the board serves and takes jobs meanwhile", arguments: [1, 3])
    func stalledEnd(starts: Int) throws {
        let sink = TestSink(shots: 4096, starts: starts, stallingAt: .end)
        try ModelRig().run { rig in
            try #require(eventually { rig.state == .serving })
            let job = try rig.begin(.record(sink))
            try #require(eventually { sink.isEnding })
            try #require(eventually { rig.state == .serving })
            #expect(job.state.isRunning)
            guard case .recorded = try rig.perform(.record(TestSink(shots: 1024))) else {
                Issue.record("it takes no job")
                return
            }
            #expect(job.state.isRunning)
            sink.goOn()
            guard case .recorded = try job.end() else {
                Issue.record("it does not record")
                return
            }
        }
    }

    @Test("whose last frames cannot be kept fail, and are not reported as made")
    func failsAtTheEnd() throws {
        try ModelRig().run { rig in
            try #require(eventually { rig.state == .serving })
            let sink = TestSink(shots: 4096, failsAtEnd: true)
            #expect(try rig.perform(.record(sink)).failure == .recording("no room"))
            #expect(!rig.events.contains(.recorded(shots: 4096)))
        }
    }

    @Test("begin and end also when the rings are full", arguments: [256, 4096])
    func whileResting(shotsPerFrame: Int) throws {
        let setup = ModelRig.Setup(
            ringBytes: 1 << 14, shotsPerFrame: shotsPerFrame, framesPerRead: 2)
        try ModelRig(setup).run { rig in
            try #require(eventually { rig.pipeline.status().isResting })
            let count = 79
            let sink = TestSink(shots: count * shotsPerFrame)
            guard case .recorded = try rig.perform(.record(sink)) else {
                Issue.record("it does not record")
                return
            }
            #expect(sink.frames.count == count)
            try #require(eventually { rig.pipeline.status().isResting })
        }
    }

    @Test("fail with a board that fails, at whatever start", arguments: [1, 3])
    func boardFails(starts: Int) throws {
        let error = BoardError.stalled("broken")
        try ModelRig().run { rig in
            try #require(eventually { rig.state == .serving })
            let sink = TestSink(shots: 1 << 40, starts: starts)
            let job = try rig.begin(.record(sink))
            try #require(eventually { rig.state == .recording })
            rig.board.fail(.read, error)
            // What came before is kept before the client hears of the failure.
            #expect(try job.end().failure == .board(error.description))
            #expect(sink.hasEnded)
            let isBack = rig.passes([.serving, .recording, .failed(error), .starting, .serving])
            #expect(isBack)
        }
    }
}

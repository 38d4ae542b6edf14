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
import Synchronization
import TestSupport
import Testing

@Suite(
    "Operating points and sweeps: order of the calls, what is measured and served, failures in the middle"
)
struct PipelineTuningTests {
    private static func point(width: Double) -> OperatingPoint {
        var point = ModelBoard.startingPoint
        point.pulseWidthPicoseconds = width
        return point
    }

    private static let untrimmed = [Int16](repeating: 0, count: 64)

    // MARK: Setting a point

    @Test("a point is set while the stream is stopped, and only what comes after is served")
    func setsPoint() throws {
        let point = Self.point(width: 510)
        let rig = try ModelRig()
        rig.board.limit(shots: 12 * 1024)
        let job = rig.begin(.setOperatingPoint(point), beforeShot: 9 * 1024)
        try rig.run { rig in
            #expect(try job.end().isFinished)
            try rig.settle()
            #expect(
                rig.board.calls.filter { $0 != .telemetry } == [
                    .open, .start, .stop, .point(point), .trims(Self.untrimmed), .start,
                ])
            #expect(rig.states == [.serving, .starting, .serving])
            #expect(rig.events.contains(.operatingPointSet(point)))
            #expect(rig.pipeline.status().description?.operatingPoint == point)
            #expect(rig.board.stretches.map(\.point) == [ModelBoard.startingPoint, point])
            #expect(rig.board.stretches[0].rows.count == 9 * 1024 + 256)
            let served = rig.windows(ofStart: 1).suffix(10)
            rig.expectOutput(served.map { bits(of: $0, lanes: .all, words: 1) })
        }
    }

    @Test("alarm counts and the numbers of windows go on over a new point, and all received shots are counted")
    func countsSurvive() throws {
        var devices = ModelDevices(lanes: 64)
        devices.stuck = [5]
        try ModelRig(.init(devices: devices)).run { rig in
            try #require(eventually { rig.state == .serving })
            let before = rig.pipeline.status()
            let judged = try #require(before.ledger?.windows)
            #expect(before.ledger?.alarms(of: .repetitionCount)[5] ?? 0 > 0)
            #expect(before.earlier.windows == 0)
            #expect(try rig.perform(.setOperatingPoint(Self.point(width: 500.5))).isFinished)
            try #require(eventually { (rig.pipeline.status().ledger?.windows ?? 0) > 4 && rig.state == .serving })
            let after = rig.pipeline.status()
            #expect(after.earlier.windows >= judged)
            #expect(after.earlier.alarms(of: .repetitionCount, lane: 5) > 0)
            #expect(after.earlier.alarms(of: .repetitionCount, lane: 6) == 0)
            let windows = after.alarms.map(\.window)
            #expect(windows == windows.sorted())
            #expect(windows.contains { $0 >= after.earlier.windows })
            let counters = rig.pipeline.counters
            let received = counters.shotsReceived.load(ordering: .relaxed)
            let frames = counters.framesAccepted.load(ordering: .relaxed)
            #expect(received >= (frames - 1) * 256)
            #expect(received >= counters.shots.load(ordering: .relaxed))
        }
    }

    @Test("after a new point the trims are learned anew, from none")
    func learnsAfterPoint() throws {
        let devices = ModelDevices(lanes: 64, spread: 0.05, seed: 5)
        try ModelRig(.init(devices: devices, trim: TrimSettings())).run { rig in
            try #require(eventually { rig.state == .serving })
            #expect(try rig.perform(.setOperatingPoint(Self.point(width: 540))).isFinished)
            try #require(eventually { rig.state == .serving })
            #expect(rig.states == [.tuning, .starting, .serving, .tuning, .starting, .serving])
            #expect(rig.board.probabilities.allSatisfy { abs($0 - 0.5) < zLimit * 0.0025 })
        }
    }

    @Test("a point outside the limits is refused, and nothing is touched")
    func outOfRange() throws {
        try ModelRig().run { rig in
            try #require(eventually { rig.state == .serving })
            var nowhere = ModelBoard.startingPoint
            nowhere.amplitudeMillivolts = .nan
            let sweep = Calibrate(
                amplitudes: nil, widths: SweepRange(from: 500, to: 99, count: 2),
                shotsPerPoint: 1024)
            let refused: [(TestTask, quantity: String, limits: ClosedRange<Double>)] = [
                (.setOperatingPoint(Self.point(width: 901)), "pulseWidthPicoseconds", 100...900),
                (.setOperatingPoint(nowhere), "amplitudeMillivolts", 0...1200),
                (.sweep(sweep), "pulseWidthPicoseconds", 100...900),
            ]
            for (task, quantity, limits) in refused {
                guard case .outOfRange(let violation) = try rig.perform(task).failure else {
                    Issue.record("what is outside \(limits) was set")
                    return
                }
                #expect(violation.quantity == quantity && violation.limits == limits)
            }
            #expect(rig.board.calls.filter { $0 != .telemetry } == [.open, .start])
            #expect(rig.states == [.serving])
            #expect(rig.source.isOpen)
        }
    }

    @Test("a board that cannot be tuned says so")
    func notTunable() throws {
        try ModelRig(.init(isTunable: false)).run { rig in
            try #require(eventually { rig.state == .serving })
            #expect(
                try rig.perform(.setOperatingPoint(ModelBoard.startingPoint)).failure == .notTunable
            )
            #expect(try rig.perform(.sweep(Self.calibration())).failure == .notTunable)
            #expect(rig.states == [.serving])
        }
    }

    @Test(
        "a board that fails while a point is set is opened again at its earlier point",
        arguments: [ModelBoard.Failing.point, .start])
    func failsWhileSet(call: ModelBoard.Failing) throws {
        let error = BoardError.stalled("no answer")
        try ModelRig().run { rig in
            try #require(eventually { rig.state == .serving })
            rig.board.fail(call, error)
            let outcome = try rig.perform(.setOperatingPoint(Self.point(width: 600)))
            #expect(outcome.failure == .board(error.description))
            let isBack = rig.passes([.serving, .failed(error), .starting, .serving])
            #expect(isBack)
            #expect(rig.board.point == ModelBoard.startingPoint)
            #expect(
                rig.pipeline.status().description?.operatingPoint == ModelBoard.startingPoint)
        }
    }

    // MARK: Sweeps

    private static func calibration(
        widths: SweepRange = SweepRange(from: 400, to: 600, count: 5), windows: Int = 16
    ) -> Calibrate {
        Calibrate(amplitudes: nil, widths: widths, shotsPerPoint: windows * 1024)
    }

    private static func plan(_ calibration: Calibrate) -> SweepPlan {
        calibration.plan(from: ModelBoard.startingPoint, windowShots: 1024)
    }

    @Test("a sweep measures each point without its first window, and goes back")
    func sweeps() throws {
        let calibration = Self.calibration()
        let plan = Self.plan(calibration)
        let devices = ModelDevices(lanes: 64, spread: 0.05, seed: 7)
        try ModelRig(.init(devices: devices)).run { rig in
            try #require(eventually { rig.state == .serving })
            guard case .swept(let sweep) = try rig.perform(.sweep(calibration)) else {
                Issue.record("it does not sweep")
                return
            }
            #expect(
                sweep.points.map(\.amplitudeMillivolts) == plan.points.map(\.amplitudeMillivolts))
            #expect(
                sweep.points.map(\.pulseWidthPicoseconds)
                    == plan.points.map(\.pulseWidthPicoseconds))
            try #require(eventually { rig.state == .serving })
            #expect(rig.states == [.serving, .calibrating, .starting, .serving])
            #expect(rig.board.point == ModelBoard.startingPoint)
            for (number, measured) in sweep.points.enumerated() {
                let stretch = rig.board.stretches[number + 1]
                #expect(stretch.point == plan.points[number])
                // Exactly the share of ones in windows 1 to 16.
                try #require(stretch.rows.count >= 17 * 1024)
                let counted = stretch.rows[1024..<17 * 1024]
                let ones = counted.reduce(0) { $0 + $1.nonzeroBitCount }
                #expect(abs(measured.ones - Double(ones) / (16 * 1024 * 64)) < 1e-12)
                let expected = devices.probabilities(at: stretch.point, trims: Self.untrimmed)
                let mean = expected.reduce(0, +) / 64
                // The lanes' variances sum to less than that of 64 equal ones.
                let z = zScore(successes: ones, trials: 16 * 1024 * 64, probability: mean)
                #expect(abs(z) < zLimit)
                #expect(abs(measured.lagOne) < zLimit / Double(16 * 1024 * 64).squareRoot())
            }
            let proposal = try #require(sweep.proposal)
            #expect(abs(proposal.pulseWidthPicoseconds - 500) < 30)
            // It lies between two points, and was measured itself before it was proposed.
            #expect(!plan.points.contains(proposal))
            #expect(rig.board.stretches[plan.points.count + 1].point == proposal)
            // There, the lanes were measured at trims over the whole range.
            #expect(sweep.holdableLanes == 64)
            let trims = Set(rig.board.calls.compactMap { if case .trims(let trims) = $0 { trims[0] } else { nil } })
            #expect(trims.isSuperset(of: [-512, -256, 256, 512]))
        }
    }

    @Test("a sweep leaves out what its first window shows: the devices forget where they were")
    func leavesOutFirstWindow() throws {
        let rig = try ModelRig()
        let calibration = Self.calibration(
            widths: SweepRange(from: 500, to: 500, count: 2), windows: 2)
        // The lanes give only ones in the first window of the first point.
        rig.board.before(shot: 0, ofStart: 1) { $0.change { $0.stuck = Set(0..<64) } }
        rig.board.before(shot: 1024, ofStart: 1) { $0.change { $0.stuck = [] } }
        try rig.run { rig in
            try #require(eventually { rig.state == .serving })
            guard case .swept(let sweep) = try rig.perform(.sweep(calibration)) else {
                Issue.record("it does not sweep")
                return
            }
            #expect(sweep.points.allSatisfy { abs($0.ones - 0.5) < zLimit * 0.5 / 362 })
        }
    }

    @Test("the trims are learned again after a sweep")
    func learnsAfterSweep() throws {
        let devices = ModelDevices(lanes: 64, spread: 0.05, seed: 9)
        try ModelRig(.init(devices: devices, trim: TrimSettings())).run { rig in
            try #require(eventually { rig.state == .serving })
            guard case .swept = try rig.perform(.sweep(Self.calibration(windows: 2))) else {
                Issue.record("it does not sweep")
                return
            }
            try #require(eventually { rig.state == .serving })
            #expect(
                rig.states == [
                    .tuning, .starting, .serving, .calibrating, .tuning, .starting, .serving,
                ])
            #expect(rig.board.probabilities.allSatisfy { abs($0 - 0.5) < zLimit * 0.0025 })
        }
    }

    @Test("nothing is served in a sweep, progress rises, and a second job is refused")
    func whileSweeping() throws {
        let rig = try ModelRig()
        let job = rig.begin(.sweep(Self.calibration()), beforeShot: 4096)
        let done = Tally()
        for start in 1...5 {
            rig.board.before(shot: 2048, ofStart: start) { _ in
                #expect(!rig.source.isOpen)
                #expect(rig.state == .calibrating)
                #expect(rig.pipeline.begin(.clearFaults) == nil)
                guard case .running(start - 1, 5) = job.started?.state else { return }
                done.add(1)
            }
        }
        try rig.run { rig in
            guard case .swept = try job.end() else {
                Issue.record("it does not sweep")
                return
            }
            #expect(done.value == 5)
            // Who sees the end may begin the next at once.
            #expect(try rig.perform(.clearFaults).isFinished)
        }
    }

    @Test("a sweep that is cancelled restores the earlier point")
    func cancels() throws {
        let calibration = Self.calibration(windows: 1 << 20)
        let plan = Self.plan(calibration)
        try ModelRig().run { rig in
            try #require(eventually { rig.state == .serving })
            let job = try rig.begin(.sweep(calibration))
            try #require(eventually { rig.board.point == plan.points[0] })
            job.cancel()
            #expect(try job.end().failure == .cancelled)
            try #require(eventually { rig.state == .serving })
            #expect(rig.board.point == ModelBoard.startingPoint)
        }
    }

    @Test("a pipeline that is stopped in a sweep leaves the board at its earlier point")
    func stopsInSweep() throws {
        let calibration = Self.calibration(windows: 1 << 20)
        let plan = Self.plan(calibration)
        let rig = try ModelRig()
        var job: TestJob?
        try rig.run { rig in
            try #require(eventually { rig.state == .serving })
            job = try rig.begin(.sweep(calibration))
            try #require(eventually { rig.board.point == plan.points[0] })
        }
        #expect(job?.failure == .cancelled)
        #expect(rig.board.point == ModelBoard.startingPoint)
        #expect(rig.board.calls.last == .close)
    }

    @Test(
        "a board that fails in a sweep fails the job, and is opened again at its earlier point",
        arguments: [ModelBoard.Failing.read, .point, .start])
    func failsInSweep(call: ModelBoard.Failing) throws {
        let error = BoardError.absent("unplugged")
        let rig = try ModelRig()
        rig.board.before(shot: 2048, ofStart: 2) { $0.fail(call, error) }
        try rig.run { rig in
            try #require(eventually { rig.state == .serving })
            rig.board.beforeClose { [pipeline = rig.pipeline] in
                #expect(pipeline.status().state == .failed(error))
            }
            let outcome = try rig.perform(.sweep(Self.calibration()))
            #expect(outcome.failure == .board(error.description))
            #expect(rig.state != .calibrating)
            let isBack = rig.passes([.serving, .calibrating, .failed(error), .starting, .serving])
            #expect(isBack)
            #expect(rig.board.point == ModelBoard.startingPoint)
            #expect(rig.board.stretches.last?.point == ModelBoard.startingPoint)
            #expect(
                rig.pipeline.status().description?.operatingPoint == ModelBoard.startingPoint)
        }
    }
}

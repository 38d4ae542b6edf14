// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardOperations
import EntropyPipeline
import EntropyRing
import EntropyTerms
import Glibc
import LaneHealth
import LinuxPlatform
import OperatingPointControl
import PlaneTestSupport
import TestSupport
import Testing

@Suite(
    "Jobs of a pipeline: in every state, faults injected and refused, the end")
struct PipelineJobTests {
    private static let stuck = FaultOrder(.stuckAt1, lanes: [3])

    private static var sweep: TestTask {
        .sweep(Calibrate(amplitudes: nil, widths: nil, shotsPerPoint: 1024))
    }

    /// Jobs that need a board that runs.
    private static var needy: [TestTask] {
        [.setOperatingPoint(ModelBoard.startingPoint), sweep, .record(TestSink(shots: 1))]
    }

    @Test("The signal of an operation tells its end from progress", arguments: [true, false])
    func signal(succeeds: Bool) {
        let job = BoardJob(Calibrate(amplitudes: nil, widths: nil, shotsPerPoint: 1_024))
        let reply = Calibrate.Reply(pointsDone: 1, pointsTotal: 1, sweep: nil)
        job.tell(reply)
        #expect(!job.changed.isOver)
        if succeeds { job.finish(reply) } else { job.fail(.cancelled) }
        #expect(job.changed.isOver)
    }

    @Test("faults are passed on to a board that can have some, and cleared")
    func faults() throws {
        try ModelRig().run { rig in
            try #require(eventually { rig.state == .serving })
            #expect(try rig.perform(.inject(Self.stuck)).isFinished)
            #expect(rig.board.calls.contains(.inject(Self.stuck)))
            let isTold = rig.events.contains {
                if case .faultInjected(Self.stuck, let shots) = $0 { shots > 0 } else { false }
            }
            #expect(isTold)
            let isFailed = rig.eventuallyTaking { $0.pipeline.status().ledger?.counts.failed == 1 }
            #expect(isFailed)
            #expect(try rig.perform(.clearFaults).isFinished)
            #expect(rig.board.calls.contains(.clearFaults))
            #expect(rig.events.contains(.faultsCleared))
            let isGood = rig.eventuallyTaking { $0.pipeline.status().ledger?.counts.good == 64 }
            #expect(isGood)
        }
    }

    @Test(
        "orders that the board cannot follow are refused with the reason",
        arguments: [
            (FaultOrder(.stuckAt0, lanes: [0, 64]), "no lane 64"),
            (FaultOrder(.stuckAt0, lanes: [-1]), "no lane -1"),
            (FaultOrder(.telegraph), "needs lanes"),
            (FaultOrder(.stall, lanes: [1]), "not a fault of single lanes"),
        ])
    func badOrders(order: FaultOrder, reason: String) throws {
        try ModelRig().run { rig in
            try #require(eventually { rig.state == .serving })
            guard case .badFault(let cause) = try rig.perform(.inject(order)).failure else {
                Issue.record("the order was followed")
                return
            }
            #expect(cause.contains(reason))
            #expect(!rig.board.calls.contains(.inject(order)))
        }
    }

    @Test("a board that is not simulated cannot be made to fail")
    func notSimulated() throws {
        try PipelineRig().run { rig in
            for task in [TestTask.inject(Self.stuck), .clearFaults] {
                let job = try #require(rig.pipeline.begin(task))
                #expect(try job.end().failure == .notSimulated)
            }
        }
    }

    @Test("while the board is away, faults are injected and cleared, and all else says why not")
    func boardIsAway() throws {
        let gone = BoardError.absent("vanished")
        try ModelRig().run { rig in
            try #require(eventually { rig.state == .serving })
            #expect(try rig.perform(.inject(FaultOrder(.vanish))).isFinished)
            let isGone = rig.passes([.serving, .failed(gone)])
            try #require(isGone)
            for task in Self.needy {
                #expect(try rig.perform(task).failure == .board(gone.description))
            }
            #expect(try rig.perform(.inject(Self.stuck)).isFinished)
            #expect(try rig.perform(.clearFaults).isFinished)
            try #require(eventually { rig.state == .serving })
            #expect(rig.states == [.serving, .failed(gone), .starting, .serving])
        }
    }

    @Test("before the board was ever opened, only faults are cleared")
    func neverOpened() throws {
        let gone = BoardError.absent("vanished")
        let rig = try ModelRig()
        _ = rig.board.inject(FaultOrder(.vanish))
        try rig.run { rig in
            for task in Self.needy {
                #expect(try rig.perform(task).failure == .board(gone.description))
            }
            #expect(
                try rig.perform(.inject(Self.stuck)).failure
                    == .badFault("the board was never opened"))
            #expect(try rig.perform(.clearFaults).isFinished)
            try #require(eventually { rig.state == .serving })
        }
    }

    @Test("a job is done at once when the rings are full")
    func whileResting() throws {
        try ModelRig(.init(ringBytes: 1 << 14)).run { rig in
            for task in Self.needy + [.inject(Self.stuck), .clearFaults] {
                try #require(eventually { rig.pipeline.status().isResting })
                #expect(try rig.perform(task).failure == nil)
            }
        }
    }

    @Test("a job is done at once when too few lanes are good")
    func whileUnhealthy() throws {
        var devices = ModelDevices(lanes: 64)
        devices.stuck = Set(0..<60)
        try ModelRig(.init(devices: devices)).run { rig in
            for task in Self.needy + [.clearFaults] {
                let isUnhealthy = eventually { rig.state == .unhealthy(good: 4, minimum: 32) }
                try #require(isUnhealthy)
                #expect(try rig.perform(task).failure == nil)
            }
            try #require(eventually { rig.state == .serving })
        }
    }

    @Test("one job after another, with no pause, is done and none is lost")
    func oneAfterAnother() throws {
        try ModelRig().run { rig in
            for number in 0..<300 {
                let order = FaultOrder(.telegraph, lanes: [number % 64])
                let outcome = try rig.perform(.inject(order))
                #expect(outcome.isFinished)
            }
            let injected = rig.board.calls.count { if case .inject = $0 { true } else { false } }
            #expect(injected == 300)
        }
    }

    @Test("no job hangs after the end of its pipeline")
    func atTheEnd() throws {
        let rig = try ModelRig()
        let isThere = Flag()
        let planned = PlannedJob()
        rig.board.before(shot: 2048) { _ in
            isThere.raise()
            // Meanwhile the pipeline is told to stop.
            usleep(200_000)
            planned.begin { rig.pipeline.begin(Self.sweep) }
        }
        try rig.run { rig in try #require(eventually { isThere.isRaised }) }
        let job = try #require(planned.started)
        #expect(!job.state.isRunning)
        let late = try rig.begin(Self.sweep)
        #expect(late.failure == .board("metrngd stops"))
        #expect(rig.pipeline.begin(.clearFaults)?.failure == .board("metrngd stops"))
    }

    @Test("a job that runs when the pipeline is stopped is failed then")
    func runsAtTheEnd() throws {
        for starts in [1, 3] {
            var job: TestJob?
            try ModelRig().run { rig in
                try #require(eventually { rig.state == .serving })
                job = try rig.begin(.record(TestSink(shots: 1 << 40, starts: starts)))
                try #require(eventually { rig.state == .recording })
            }
            #expect(job?.failure == .cancelled)
        }
    }
}

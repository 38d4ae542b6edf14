// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import Conditioning
import EntropyPipeline
import EntropyRing
import EntropyTerms
import LaneHealth
import LinuxPlatform
import OperatingPointControl
import PlaneTestSupport
import Synchronization
import TestSupport
import Testing

/// A pipeline over a board of made-up devices.
final class ModelRig: Sendable {
    let board: ModelBoard
    let source: EntropySource
    let pipeline: EntropyPipeline
    private let log: EventLog

    /// What a rig is made with; tests change what they are about.
    struct Setup {
        var devices = ModelDevices(lanes: 64)
        var isTunable = true
        var ringBytes = 1 << 20
        var fold = 1
        var trim: TrimSettings?
        var minimumGoodLanesPercent = 50
        var shotsPerFrame = 256
        var framesPerRead = 1
    }

    init(_ setup: Setup = Setup()) throws {
        board = try ModelBoard(
            setup.devices, isTunable: setup.isTunable, shotsPerFrame: setup.shotsPerFrame,
            framesPerRead: setup.framesPerRead)
        source = try EntropySource(
            name: "t", provenance: .simulated,
            raw: EntropyRing(capacity: setup.ringBytes, locked: false),
            full: EntropyRing(capacity: setup.ringBytes, locked: false), bitsArrived: Wakeup())
        let log = EventLog()
        self.log = log
        pipeline = EntropyPipeline(
            board: board, source: source,
            settings: PipelineSettings(
                claimedEntropyPerBit: 0.8, startUpWindows: 2,
                minimumGoodLanesPercent: setup.minimumGoodLanesPercent, locksMemory: false,
                fold: LaneFold(parts: setup.fold), trim: setup.trim),
            onEvent: { log.add($0) })
    }

    /// Starts the pipeline, lets `body` run, and stops it.
    func run(_ body: (ModelRig) throws -> Void) throws {
        try pipeline.start()
        do {
            try body(self)
        } catch {
            try stop()
            throw error
        }
        try stop()
        #expect(board.violations == [])
    }

    func stop() throws {
        let isStopped = try finishes { [pipeline] in pipeline.stop() }
        try #require(isStopped, "the pipeline does not stop")
    }

    /// Waits until the board has sent all it may, and the pipeline has done with it.
    func settle() throws { try #require(eventually { board.isIdle }, "the pipeline hangs") }

    /// Begins a job, which must be possible.
    func begin(_ task: BoardJob.Task) throws -> BoardJob { try #require(pipeline.begin(task)) }

    /// Lets a job begin before a shot of a start of the board is sent: it is done after that frame.
    func begin(
        _ task: BoardJob.Task, beforeShot shot: Int, ofStart start: Int = 0
    ) -> PlannedJob {
        let planned = PlannedJob()
        board.before(shot: UInt64(shot), ofStart: start) { [pipeline] _ in
            planned.begin { pipeline.begin(task) }
        }
        return planned
    }

    /// Does a job, and says what came of it.
    func perform(_ task: BoardJob.Task) throws -> BoardJob.State { try begin(task).end() }

    var state: PipelineState { pipeline.status().state }

    /// What the pipeline has reported until now.
    var events: [PipelineEvent] { log.events }

    /// The states it has reported, the one it is in among them: it enters a state before it reports it.
    var states: [PipelineState] {
        _ = eventually { (events.states.last ?? .starting).isSameKind(as: state) }
        return events.states
    }

    /// What the board sent of all windows of a start, window by window.
    func windows(ofStart start: Int = 0) -> [[UInt64]] {
        let rows = board.stretches[start].rows
        let count = 1024 * board.description.wordsPerShot
        return stride(from: 0, through: rows.count - count, by: count).map {
            Array(rows[$0..<$0 + count])
        }
    }

    /// Whether `condition` becomes true while all that comes into the rings is taken out.
    func eventuallyTaking(_ condition: (ModelRig) -> Bool) -> Bool {
        eventually {
            _ = (source.takeAll(.raw), source.takeAll(.full))
            return condition(self)
        }
    }

    /// Whether the pipeline comes to have been in these states, and no others.
    func passes(_ expected: [PipelineState]) -> Bool {
        eventuallyTaking { $0.states == expected }
    }

    /// Whether the trims change while bits are taken.
    func trimsMove() -> Bool {
        let before = board.trims
        return eventuallyTaking { $0.board.trims != before }
    }

    /// Takes all out of the rings, and compares it with what these bits of windows have to make.
    func expectOutput(_ windows: [[UInt8]], inputBytes: Int = 50) {
        let raw = source.takeAll(.raw)
        let full = source.takeAll(.full)
        let expected = ExpectedOutput(windows: windows, raw: raw, inputBytes: inputBytes)
        #expect(expected.rawIsWhole)
        #expect(windows.isEmpty || !raw.isEmpty || !full.isEmpty)
        let fullIsExpected = full == expected.full
        #expect(fullIsExpected)
    }
}

/// A job that a board begins at a certain shot.
final class PlannedJob: Sendable {
    private let job = Mutex<BoardJob?>(nil)

    func begin(_ body: () -> BoardJob?) { job.withLock { $0 = body() } }

    var started: BoardJob? { job.withLock { $0 } }

    /// Waits for its end.
    func end() throws -> BoardJob.State {
        try #require(eventually { started != nil }, "the job was not begun")
        return try #require(started).end()
    }
}

extension BoardJob {
    /// Waits for the end of the job.
    func end() throws -> State {
        try #require(eventually { !state.isRunning }, "the job does not end")
        return state
    }

    /// Why it failed; nil when it did not.
    var failure: Failure? { if case .failed(let failure) = state { failure } else { nil } }
}

extension BoardJob.State {
    var isRunning: Bool { if case .running = self { true } else { false } }
    var isFinished: Bool { if case .finished = self { true } else { false } }
    var failure: BoardJob.Failure? {
        if case .failed(let failure) = self { failure } else { nil }
    }
}

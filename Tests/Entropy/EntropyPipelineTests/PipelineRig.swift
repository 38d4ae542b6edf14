// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import EntropyPipeline
import EntropyRing
import EntropyTerms
import LinuxPlatform
import PlaneTestSupport
import Synchronization
import TestSupport
import Testing

/// A pipeline over a scripted board; the test is the board and the consumer of the rings.
final class PipelineRig: Sendable {
    let description: BoardDescription
    let board: ScriptedBoard
    let source: EntropySource
    let pipeline: EntropyPipeline
    private let log: EventLog
    private let frames: Mutex<FrameMaker>

    /// What a rig is made with; tests change what they are about.
    struct Setup {
        var lanes = 64
        var ringBytes = 1 << 19
        var claim = 0.8
        var startUpWindows = 2
        var minimumGoodLanesPercent = 50
        var shotsPerFrame = 256
        var isBoardPatient = true
    }

    init(_ setup: Setup = Setup()) throws {
        description = .test(lanes: setup.lanes, shotsPerFrame: setup.shotsPerFrame)
        board = try ScriptedBoard(description, isPatient: setup.isBoardPatient)
        source = try EntropySource(
            name: "t", provenance: .hardware,
            raw: EntropyRing(capacity: setup.ringBytes, locked: false),
            full: EntropyRing(capacity: setup.ringBytes, locked: false), bitsArrived: Wakeup())
        frames = Mutex(FrameMaker(description))
        let log = EventLog()
        self.log = log
        pipeline = EntropyPipeline(
            board: board, source: source,
            settings: PipelineSettings(
                claimedEntropyPerBit: setup.claim, startUpWindows: setup.startUpWindows,
                minimumGoodLanesPercent: setup.minimumGoodLanesPercent, locksMemory: false),
            onEvent: { log.add($0) })
    }

    /// Starts the pipeline, lets `body` run, and stops it.
    func run(_ body: (PipelineRig) throws -> Void) throws {
        try pipeline.start()
        do {
            try body(self)
        } catch {
            try stop()
            throw error
        }
        try stop()
        #expect(board.violations == [])
        #expect(board.calls.opens >= board.calls.closes)
    }

    private func stop() throws {
        let isStopped = try finishes { [pipeline] in pipeline.stop() }
        try #require(isStopped, "the pipeline does not stop")
    }

    /// Lets the board send these windows.
    func send(_ windows: [[UInt64]]) {
        let frames = frames.withLock { frames in windows.flatMap { frames.frames($0) } }
        board.add(frames.map { .bytes($0) })
    }

    /// Waits until the pipeline has done with all that the board sent.
    func settle() throws { try #require(eventually { board.isIdle }, "the pipeline hangs") }

    /// Sends windows and waits until they are done with.
    func pass(_ windows: [[UInt64]]) throws {
        send(windows)
        try settle()
    }

    /// Lets the board begin to count its shots anew, as boards do when they are opened again.
    func restartFrames() { frames.withLock { $0 = FrameMaker(description) } }

    var state: PipelineState { pipeline.status().state }

    /// What the pipeline has reported until now.
    var events: [PipelineEvent] { log.events }

    /// The states it has reported, the one it is in among them: it enters a state before it reports it.
    var states: [PipelineState] {
        _ = eventually { (events.states.last ?? .starting).isSameKind(as: state) }
        return events.states
    }
}

final class EventLog: Sendable {
    private let list = Mutex<[PipelineEvent]>([])

    func add(_ event: PipelineEvent) { list.withLock { $0.append(event) } }

    var events: [PipelineEvent] { list.withLock { $0 } }
}

extension [PipelineEvent] {
    /// The states among them.
    var states: [PipelineState] {
        compactMap { if case .became(let state) = $0 { state } else { nil } }
    }
}

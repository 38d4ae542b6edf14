// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardOperations
import BoardProtocol
import Conditioning
import EntropyPipeline
import EntropyRing
import EntropyTerms
import LinuxPlatform
import OperatingPointControl
import PlaneTestSupport
import TestSupport

/// A pipeline with its scripted board, whose turns the simulation takes.
final class SimulatedPipeline {
    /// What the board is, whatever its source says.
    let provenance: Provenance
    let source: EntropySource
    private let pipeline: EntropyPipeline
    private let board: any Board
    private let time: VirtualTime
    private var wait = PipelineWait.none
    private var isDue = false
    /// Cancels the job that was begun last; nil before the first.
    private var cancelJob: (() -> Void)?
    /// Whether the planted fault has opened the gate.
    private var isGateForced = false

    init(
        _ board: SimulationPlan.BoardPlan, of plan: SimulationPlan, labelled label: Provenance,
        time: VirtualTime, bitsArrived: Wakeup
    ) throws {
        provenance = board.provenance
        self.time = time
        let rings = try [Grade.raw, .full].map {
            try EntropyChannel($0, capacity: plan.ringBytes, locked: false)
        }
        source = try EntropySource(
            name: "\(board.provenance)", provenance: label, channels: rings,
            bitsArrived: bitsArrived)
        self.board = try board.makeBoard(time: time)
        pipeline = EntropyPipeline(
            board: self.board, source: source,
            settings: PipelineSettings(
                claimedEntropyPerBit: 0.8, startUpWindows: plan.startUpWindows,
                minimumGoodLanesPercent: plan.minimumGoodLanesPercent, locksMemory: false,
                trim: TrimSettings(driftDeviation: 0.01, driftSeconds: 10)),
            clock: time.clock
        ) { _ in }
        try pipeline.loop.open()
    }

    var state: PipelineState { pipeline.status().state }

    /// Whether the board has failed, and is not back.
    var isLost: Bool { if case .failed = state { true } else { false } }

    var isResting: Bool { pipeline.status().isResting }

    /// Whether bits may leave the rings: the pipeline serves, or has ended, or was doing so when a recording began.
    var mayDeliver: Bool {
        switch state {
        case .serving, .recording, .waiting, .ended: true
        case .tuning, .starting, .unhealthy, .correlated, .repeating, .calibrating, .leased, .failed: false
        }
    }

    /// Whether the thread of the pipeline would take a turn now. What ends a wait is found once, so that it is kept
    /// until the turn.
    func isReady() -> Bool {
        isDue = isDue || pipeline.loop.isOver(wait)
        return isDue
    }

    /// When a turn is due though nothing happens, in nanoseconds; nil for never.
    var deadline: UInt64? {
        guard case .until(let ends) = wait else { return nil }
        return ends.deadline
    }

    /// Whether the pipeline waits for space, and everything was taken.
    var waitsForSpaceInVain: Bool {
        guard case .until(let ends) = wait else { return false }
        return ends.isForSpace && source.isEmpty
    }

    func move() {
        endPlantedFault()
        isDue = false
        wait = pipeline.loop.turn()
        if wait == .none { time.advance(by: 10_000) }
    }

    func stop() {
        endPlantedFault()
        pipeline.requestStop()
        while wait != .stopped { wait = pipeline.loop.turn() }
    }

    /// Begins something with the board, or cancels what is under way.
    ///
    /// - Returns: whether it was begun.
    func beginOperation(using random: inout SeededGenerator) -> Bool {
        if let cancelJob, Int.random(in: 0..<4, using: &random) == 0 { cancelJob() }
        switch Int.random(in: 0..<4, using: &random) {
        case 0:
            let amplitude = Double.random(in: 500...1500, using: &random)
            return note(
                pipeline.begin(
                    SetOperatingPoint(PartialOperatingPoint(point(amplitude: amplitude)))))
        case 1:
            return note(
                pipeline.begin(
                    Calibrate(
                        amplitudes: SweepRange(from: 800, to: 900, count: 2), widths: nil,
                        shotsPerPoint: 2_048)))
        case 2: return note(pipeline.begin(Record(shots: 3_000), into: ForgetfulSink()))
        default:
            return note(pipeline.begin(Record(shots: 1_000, restarts: 3), into: ForgetfulSink()))
        }
    }

    /// Keeps a job, so that it can be cancelled.
    ///
    /// - Returns: whether there is one.
    private func note<Operation>(_ job: BoardJob<Operation>?) -> Bool {
        guard let job else { return false }
        cancelJob = { job.cancel() }
        return true
    }

    // MARK: Planted faults

    /// Publishes bits through an open gate although nothing may be delivered, until the pipeline moves: its own
    /// invariants would notice the gate.
    func publishWhileClosed(using random: inout SeededGenerator) {
        guard !mayDeliver, !source.isOpen, let ring = source.channel(of: .full)?.ring,
            ring.free >= 64
        else { return }
        source.put(random.bytes(64))
        source.open()
        isGateForced = true
    }

    private func endPlantedFault() {
        guard isGateForced else { return }
        isGateForced = false
        source.close()
    }

    /// Publishes again what is in the ring.
    func publishAgain() {
        let bytes = Array(source.deliverable(.full).prefix(64))
        guard bytes.count == 64, let ring = source.channel(of: .full)?.ring, ring.free >= 64 else {
            return
        }
        source.put(bytes)
    }
}

extension SimulationPlan.BoardPlan {
    fileprivate func makeBoard(time: VirtualTime) throws -> any Board {
        let tuning =
            isTunable
            ? Tuning(
                amplitudeMillivolts: 100...2_000, pulseWidthPicoseconds: 50...10_000,
                biasFieldMicrotesla: 1_000...100_000, trim: -1_000...1_000, trimLatencyShots: 0)
            : nil
        return try SimulationBoard(
            BoardDescription(
                kind: "scripted", provenance: provenance, serial: "S-1", path: "simulation",
                firmware: "1.0", lanes: lanes, encoding: .toggles,
                operatingPoint: point(amplitude: 1_000), maximumPayload: shotsPerFrame * lanes / 8,
                shotsPerSecond: 1e6, tuning: tuning),
            seed: seed, troubleInterval: troubleInterval, time: time)
    }
}

private func point(amplitude: Double) -> OperatingPoint {
    OperatingPoint(
        amplitudeMillivolts: amplitude, pulseWidthPicoseconds: 500, biasFieldMicrotesla: 35_000)
}

/// Takes the frames of a recording and keeps none.
private final class ForgetfulSink: FrameSink {
    let beginning: Result<Void, FrameSinkError>? = .success(())

    func begin(_ board: BoardDescription) {}
    func add(_ frame: FrameReader.Frame) {}

    func end(_ completion: @escaping @Sendable (Result<Int, FrameSinkError>) -> Void) {
        completion(.success(0))
    }
}

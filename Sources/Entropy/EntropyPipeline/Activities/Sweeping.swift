// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import LaneHealth
import LinuxPlatform
import OperatingPointControl

/// Measures the lanes at one operating point after another, and restores the operating point. Nothing is
/// served meanwhile; the lanes restart afterwards, including their trims.
final class Sweeping: Activity {
    /// How far the sweep is.
    private enum Phase {
        case notBegun
        /// Measures the next point of the plan.
        case planned
        /// Measures the proposal of a sweep, which lies between points of the plan.
        case proposed(OperatingPoint, Sweep)
    }

    private let plan: SweepPlan
    private let job: BoardJob
    private let context: ActivityContext
    private var phase = Phase.notBegun
    private var points: [SweepPoint] = []
    private var measurement: SweepMeasurement

    init(_ plan: SweepPlan, _ job: BoardJob, _ context: ActivityContext) {
        self.plan = plan
        self.job = job
        self.context = context
        measurement = SweepMeasurement(
            lanes: context.stream.description.lanes, windows: plan.windowsPerPoint)
    }

    func take(_ window: HealthWindow, mayWait: Bool) -> WindowStep {
        measurement.add(window)
        return .finished
    }

    func advance() throws(BoardError) -> ActivityResult? {
        if case .notBegun = phase { return try begin() }
        guard !job.isCancelled else { return try end(.failed(.cancelled)) }
        guard measurement.isComplete else { return nil }
        switch phase {
        case .notBegun, .planned:
            points.append(measured(at: plan.points[points.count]))
            if points.count < plan.points.count { return try measureNext() }
            return try check(Sweep(points: points, encoding: context.stream.description.encoding))
        case .proposed(let point, let sweep):
            return try end(.swept(sweep.checked(by: measured(at: point))))
        }
    }

    private func begin() throws(BoardError) -> ActivityResult? {
        guard !job.isCancelled else { return .failed(.cancelled) }
        guard context.stream.tunable != nil, let tuning = context.stream.description.tuning else {
            return .failed(.notTunable)
        }
        if let violation = plan.points.lazy.compactMap(tuning.violation(of:)).first {
            return .failed(.outOfRange(violation))
        }
        context.lifecycle.handle(.boardWithheld(.sweeping))
        context.book.rememberPoint(of: context.stream.description)
        phase = .planned
        return try measureNext()
    }

    private func measureNext() throws(BoardError) -> ActivityResult? {
        job.enter(.running(done: points.count, total: plan.points.count))
        try drive(at: plan.points[points.count])
        return nil
    }

    /// Measures the proposal of a sweep itself, unless that was done.
    private func check(_ sweep: Sweep) throws(BoardError) -> ActivityResult? {
        guard let proposal = sweep.unmeasuredProposal else { return try end(.swept(sweep)) }
        phase = .proposed(proposal, sweep)
        try drive(at: proposal)
        return nil
    }

    private func measured(at point: OperatingPoint) -> SweepPoint {
        SweepPoint(
            point: point, lanes: measurement.shares,
            encoding: context.stream.description.encoding)
    }

    private func end(_ outcome: BoardJob.State) throws(BoardError) -> ActivityResult {
        let description = context.stream.description
        try drive(at: description.operatingPoint)
        context.book.forgetPoint(of: description)
        return ActivityResult(outcome, restart: .trims)
    }

    private func drive(at point: OperatingPoint) throws(BoardError) {
        let stream = context.stream
        guard let tunable = stream.tunable else {
            preconditionFailure("a board that is swept can be tuned")
        }
        try stream.restart { () throws(BoardError) in try stream.drive(tunable, at: point) }
        measurement.restart()
    }
}

/// Measures every lane's share of ones and of changes, after one window in which the devices forget their
/// earlier states.
private struct SweepMeasurement {
    private let windows: Int
    private let everyLane: [UInt64]
    private var counts: [(ones: Int, changes: Int)]
    /// The number of windows counted; −1 before the first window, which is not counted.
    private var counted = -1

    init(lanes: Int, windows: Int) {
        self.windows = windows
        everyLane = [UInt64](repeating: ~0, count: lanes / 64)
        counts = Array(repeating: (0, 0), count: lanes)
    }

    mutating func restart() {
        counted = -1
        for lane in counts.indices { counts[lane] = (0, 0) }
    }

    var isComplete: Bool { counted == windows }

    /// Enters a tested window. Windows beyond those that are wanted change nothing.
    mutating func add(_ window: HealthWindow) {
        guard !isComplete else { return }
        window.compare(lanes: everyLane)
        if counted >= 0 {
            for lane in counts.indices {
                counts[lane].ones += window.count(in: window.onesPlanes, ofLane: lane)
                counts[lane].changes += window.count(in: window.changePlanes, ofLane: lane)
            }
        }
        counted += 1
    }

    var shares: [(ones: Double, changes: Double)] {
        let shots = Double(windows * HealthCutoffs.windowShots)
        return counts.map { (Double($0.ones) / shots, Double($0.changes) / shots) }
    }
}

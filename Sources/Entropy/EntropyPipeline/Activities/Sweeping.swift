// SPDX-License-Identifier: Apache-2.0

import BoardInterface
package import BoardOperations
import BoardProtocol
import LaneHealth
import LinuxPlatform
import OperatingPointControl

extension Calibrate: PipelineOperation {
    package static func work(for job: BoardJob<Calibrate>) -> PipelineWork {
        .activity { Sweeping(job, $0) }
    }
}

/// Measures the lanes at one operating point after another, and restores the operating point. Nothing is
/// served meanwhile; the lanes restart afterwards, including their trims.
final class Sweeping: Activity {
    private let plan: SweepPlan
    private let job: BoardJob<Calibrate>
    private let context: ActivityContext
    private var search: SweepSearch
    private var hasBegun = false
    private var measurement: SweepMeasurement

    init(_ job: BoardJob<Calibrate>, _ context: ActivityContext) {
        self.job = job
        self.context = context
        let description = context.stream.description
        plan = job.operation.plan(
            from: description.operatingPoint, windowShots: HealthCutoffs.windowShots)
        search = SweepSearch(
            plan: plan, encoding: description.encoding,
            isTrimmable: description.tuning.map { $0.trim.count > 1 } ?? false)
        measurement = SweepMeasurement(lanes: description.lanes, windows: plan.windowsPerPoint)
    }

    func take(_ window: HealthWindow, mayWait: Bool) -> WindowStep {
        measurement.add(window)
        context.countMeasured(window)
        return .finished
    }

    func advance() throws(BoardError) -> ActivityResult? {
        guard hasBegun else { return try begin() }
        guard !job.isCancelled else { return try end(.failed(.cancelled)) }
        guard measurement.isComplete else { return nil }
        search.enter(measurement.shares)
        return try measureNext()
    }

    private func begin() throws(BoardError) -> ActivityResult? {
        guard !job.isCancelled else { return .failed(.cancelled) }
        // Lanes that are leased would be measured as lanes that never switch.
        guard context.leases.leases.isEmpty else { return .failed(.busy) }
        guard context.stream.tunable != nil, let tuning = context.stream.description.tuning else {
            return .failed(.notTunable)
        }
        if let violation = plan.points.lazy.compactMap(tuning.violation(of:)).first {
            return .failed(.outOfRange(violation))
        }
        context.lifecycle.handle(.boardWithheld(.sweeping))
        context.book.rememberPoint(of: context.stream.description)
        hasBegun = true
        return try measureNext()
    }

    private func measureNext() throws(BoardError) -> ActivityResult? {
        guard let request = search.next else { return try end(finished()) }
        job.tell(
            Calibrate.Reply(
                pointsDone: search.points.count, pointsTotal: plan.points.count, sweep: nil))
        try drive(at: request.point, trim: request.trim)
        return nil
    }

    private func finished() -> JobOutcome {
        let sweep = search.sweep
        let report = SweepReport(
            name: context.name, provenance: context.provenance, sweep: sweep)
        return .finished(
            job,
            Calibrate.Reply(
                pointsDone: sweep.points.count, pointsTotal: sweep.points.count, sweep: report))
    }

    private func end(_ outcome: JobOutcome) throws(BoardError) -> ActivityResult {
        let description = context.stream.description
        try drive(at: description.operatingPoint, trim: 0)
        context.book.forgetPoint(of: description)
        return ActivityResult(outcome, restart: .trims)
    }

    /// - Parameter trim: of all lanes, from −1 for the lower limit to 1 for the upper one.
    private func drive(at point: OperatingPoint, trim: Double) throws(BoardError) {
        let stream = context.stream
        guard let tunable = stream.tunable, let limits = stream.description.tuning?.trim else {
            preconditionFailure("a board that is swept can be tuned")
        }
        let steps = trim * abs(Double(trim < 0 ? limits.lowerBound : limits.upperBound))
        try stream.restart { () throws(BoardError) in
            try stream.drive(tunable, at: point, trim: Int16(steps.rounded()))
        }
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

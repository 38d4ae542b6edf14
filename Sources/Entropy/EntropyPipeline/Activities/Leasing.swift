// SPDX-License-Identifier: Apache-2.0

import ArrayLeases
import BoardInterface
package import BoardOperations
import BoardProtocol
import EntropyTerms
import LaneHealth
import LeaseProtocol
import LinuxPlatform

extension LeaseLanes: PipelineOperation {
    package static func work(for job: BoardJob<LeaseLanes>) -> PipelineWork {
        .activity { Leasing(job, $0) }
    }
}

/// Grants a lease. Where the board can set lanes aside, the activity is over then; where it cannot, it has the board
/// for itself, with its stream stopped, until the lease ends.
final class Leasing: Activity {
    private enum Phase {
        case asked
        /// The client has its reply, and the stream is stopped.
        case stopped
    }

    private let job: BoardJob<LeaseLanes>
    private let context: ActivityContext
    private var phase = Phase.asked

    init(_ job: BoardJob<LeaseLanes>, _ context: ActivityContext) {
        self.job = job
        self.context = context
    }

    private var description: BoardDescription { context.stream.description }

    func advance() throws(BoardError) -> ActivityResult? {
        switch phase {
        case .asked: try begin()
        case .stopped: try stayStopped()
        }
    }

    func outcome(after error: BoardError) -> JobOutcome {
        switch phase {
        case .asked: .failed(.board(error.description))
        case .stopped: .finished {}
        }
    }

    // MARK: Beginning

    private func begin() throws(BoardError) -> ActivityResult? {
        guard !job.isCancelled else { return .failed(.cancelled) }
        // Which lanes are good is known in a moment.
        switch context.lifecycle.stage {
        case .learning, .starting: return nil
        case .open, .shut, nil: break
        }
        let lease: Lease
        let tuning: Tuning
        let point = job.operation.operatingPoint ?? startingPoint
        do throws(BoardOperationError) {
            tuning = try leasableTuning()
            if let violation = tuning.violation(of: point) { throw .outOfRange(violation) }
            lease = try makeLease(of: try chosenLanes())
        } catch {
            return .failed(error)
        }
        return try grant(lease, point: point, tuning: tuning)
    }

    private func leasableTuning() throws(BoardOperationError) -> Tuning {
        guard let tuning = description.tuning, description.hasArrayOperations || description.canSetLanesAside else {
            throw .notLeasable("the board cannot write, pulse and read its array on its own")
        }
        guard context.leases.leases.count < LeaseDesk.limit else { throw .busy }
        return tuning
    }

    private var startingPoint: OperatingPoint {
        context.stream.tunable?.presets["weak"] ?? description.operatingPoint
    }

    private func chosenLanes() throws(BoardOperationError) -> LeasedLanes {
        guard let lanes = context.book.lanes else { throw .board("its lanes have not begun") }
        let words = description.wordsPerShot
        if let named = job.operation.lanes {
            if let outside = named.first(where: { $0 >= description.lanes }) {
                throw .notLeasable("lane \(outside) does not exist; the board has \(description.lanes)")
            }
            let taken = named.filter { lanes.leased.hasLane($0) }
            guard taken.isEmpty else { throw .lanesTaken(taken) }
            return LeasedLanes(named, boardWords: words)
        }
        let good = (0..<description.lanes).filter { lanes.admitted.hasLane($0) }
        let wanted = job.operation.count ?? max(good.count, 1)
        guard good.count >= wanted else { throw .notEnoughLanes(wanted: wanted, available: good.count) }
        return LeasedLanes(Array(good.prefix(wanted)), boardWords: words)
    }

    private func makeLease(of lanes: LeasedLanes) throws(BoardOperationError) -> Lease {
        guard let holder = job.operation.holder else { throw .badParameter("lanes") }
        do throws(SystemError) {
            return try Lease(
                lanes, holder: holder, seconds: job.operation.seconds, clock: context.clock,
                wakePipeline: context.jobs.wake)
        } catch {
            throw .board("metrngd cannot keep another lease: \(error)")
        }
    }

    // MARK: Granting

    private func grant(_ lease: Lease, point: OperatingPoint, tuning: Tuning) throws(BoardError) -> ActivityResult? {
        let socket: Descriptor
        do throws(SystemError) {
            socket = try LeaseConnection.open(lease, clock: context.clock)
        } catch {
            return .failed(.board("metrngd cannot keep another lease: \(error)"))
        }
        let isBeside = description.canSetLanesAside
        if isBeside {
            try context.leases.begin(lease, on: try asideArray(), point: point)
        } else {
            try stopStream(for: lease, at: point)
        }
        let reply = LeaseLanes.Reply(
            board: context.name, provenance: context.provenance.name,
            healthEpoch: Int(context.book.healthEpoch), lanes: lease.lanes.numbers, streamContinues: isBeside,
            operatingPoint: point, tuning: tuning, shotsPerSecond: description.shotsPerSecond,
            seconds: job.operation.seconds, socket: socket)
        guard isBeside else {
            job.finish(reply)
            return nil
        }
        return ActivityResult(.finished(job, reply))
    }

    /// The array that the leases of the board share.
    private func asideArray() throws(BoardError) -> any LeasedArray {
        if let array = context.leases.array { return array }
        guard let board = context.stream.board as? any AsideBoard else {
            throw .unsupported("it says that it can set lanes aside, and cannot")
        }
        return AsideArray(board, description)
    }

    // MARK: With the stream stopped

    private func stopStream(for lease: Lease, at point: OperatingPoint) throws(BoardError) {
        guard let board = context.stream.board as? any StoppedArray.Stopped else {
            throw .unsupported("it says that it has array operations, and has none")
        }
        context.lifecycle.handle(.boardWithheld(.leasing))
        context.book.rememberPoint(of: description)
        context.stream.stop()
        phase = .stopped
        try context.leases.begin(lease, on: StoppedArray(board, description), point: point)
    }

    private func stayStopped() throws(BoardError) -> ActivityResult? {
        if context.jobs.isClosed { context.leases.end(.shuttingDown) }
        try context.stream.checkPresence()
        guard context.leases.leases.isEmpty else { return nil }
        let stream = context.stream
        guard let tunable = stream.tunable else { preconditionFailure("a board that is leased can be tuned") }
        try stream.restart { () throws(BoardError) in try stream.drive(tunable, at: description.operatingPoint) }
        context.book.forgetPoint(of: description)
        context.leases.streamRestarted()
        return ActivityResult(.finished {}, restart: .trims)
    }
}

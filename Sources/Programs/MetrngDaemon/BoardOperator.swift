// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import ControlInterface
import DaemonConfiguration
import EntropyPipeline
import EntropyRing
import Glibc
import LaneHealth
import LinuxPlatform
import OperatingPointControl
import Varlink

/// The changes that clients of the control plane may make, and their way to the pipelines.
struct BoardOperator: ControlOperator {
    private let units: [BoardUnit]
    private let reloads: ReloadRequests
    /// The group whose members may change things; nil when the system has none of that name.
    private let adminGroup: UInt32?

    static let adminGroupName = "metrng-admin"

    /// The warning when nobody but root and the daemon's user may change anything; nil otherwise.
    static var lackOfAdministrators: String? {
        getgrnam(adminGroupName) == nil
            ? "there is no group \(adminGroupName): only root and the user of metrngd may make changes;"
                + " on an installed system, systemd-sysusers creates the group" : nil
    }

    init(units: [BoardUnit], reloads: ReloadRequests) {
        self.units = units
        self.reloads = reloads
        adminGroup = getgrnam(Self.adminGroupName).map { $0.pointee.gr_gid }
    }

    func mayChange(_ peer: PeerCredentials) -> Bool {
        peer.userID == 0 || peer.userID == geteuid() || adminGroup.map(peer.isInGroup) ?? false
    }

    func reload() -> any ReloadProgress { reloads.add() }

    func begin(
        _ operation: BoardOperation, on board: String
    ) throws(VarlinkError) -> any BoardOperationProgress {
        guard let unit = units.first(where: { $0.name == board }) else {
            throw .control(.noSuchBoard(asked: board, boards: units.map(\.name)))
        }
        let (task, recording) = try unit.task(for: operation)
        guard let job = unit.pipeline.begin(task) else { throw .control(.busy(board: board)) }
        return JobProgress(job, of: unit, recording: recording)
    }
}

extension BoardUnit {
    /// What the pipeline is to do, and where frames go if it records any.
    fileprivate func task(
        for operation: BoardOperation
    ) throws(VarlinkError) -> (BoardJob.Task, RecordingSink?) {
        switch operation {
        case .setOperatingPoint(let partial):
            return (.setOperatingPoint(try presentPoint().replacing(partial)), nil)
        case .calibrate(let request):
            let present = try presentPoint()
            let plan = SweepPlan(
                amplitudes: request.amplitudes?.values ?? [present.amplitudeMillivolts],
                widths: request.widths?.values ?? [present.pulseWidthPicoseconds],
                biasField: present.biasFieldMicrotesla,
                windowsPerPoint: request.shotsPerPoint / HealthCutoffs.windowShots)
            return (.sweep(plan), nil)
        case .record(let request):
            let sink = RecordingSink(
                request, claimedEntropyPerBit: pipeline.settings.claimedEntropyPerBit, clock: clock)
            return (.record(sink), sink)
        case .inject(let request):
            return (.inject(try request.order()), nil)
        case .clearFaults:
            return (.clearFaults, nil)
        }
    }

    private func presentPoint() throws(VarlinkError) -> OperatingPoint {
        guard let point = pipeline.status().description?.operatingPoint else {
            throw .control(
                .boardFailed(board: name, cause: "the board was never opened"))
        }
        return point
    }
}

extension FaultRequest {
    fileprivate func order() throws(VarlinkError) -> FaultOrder {
        guard let fault = Fault(fault) else {
            throw .control(
                .badFault(
                    reason: "there is no fault \(fault): \(Fault.names.joined(separator: ", "))"))
        }
        return FaultOrder(
            fault, lanes: lanes, afterShots: UInt64(afterShots), forShots: forShots.map(UInt64.init)
        )
    }
}

/// A job of a pipeline, as the control plane sees it.
private final class JobProgress: BoardOperationProgress {
    private let job: BoardJob
    private let unit: BoardUnit
    private let recording: RecordingSink?

    init(_ job: BoardJob, of unit: BoardUnit, recording: RecordingSink?) {
        self.job = job
        self.unit = unit
        self.recording = recording
    }

    /// The client has its last reply, or has gone.
    deinit { job.cancel() }

    var changed: ChangeSignal { job.changed }

    func poll() throws(VarlinkError) -> BoardOperationStep {
        switch job.state {
        case .running(let done, let total): return .running(done: done, total: total)
        case .failed(let failure): throw .control(error(failure))
        case .swept(let sweep): return .finished(.swept(report(sweep)))
        case .recorded(let shots):
            return .finished(
                .recorded(
                    RecordingProgress(
                        shotsDone: shots, shotsTotal: shots, bytes: recording?.bytes ?? 0)))
        case .finished:
            guard case .setOperatingPoint(let point) = job.task else { return .finished(.done) }
            return .finished(.operatingPoint(point))
        }
    }

    private func report(_ sweep: Sweep) -> SweepReport {
        SweepReport(
            name: unit.settings.name, provenance: unit.source.provenance.report,
            points: sweep.points.map { point in
                SweepPointReport(
                    amplitudeMillivolts: point.point.amplitudeMillivolts,
                    pulseWidthPicoseconds: point.point.pulseWidthPicoseconds,
                    switching: point.switching, ones: point.ones, deviation: point.deviation,
                    lagOne: point.lagOne)
            },
            proposal: sweep.proposal, reason: sweep.reason)
    }

    private func error(_ failure: BoardJob.Failure) -> ControlError {
        let board = unit.settings.name
        return switch failure {
        case .board(let cause): .boardFailed(board: board, cause: cause)
        case .notTunable: .notTunable(board: board)
        case .notSimulated: .notSimulated(board: board)
        case .outOfRange(let violation):
            .outOfRange(
                quantity: violation.quantity, value: violation.value,
                minimum: violation.limits.lowerBound, maximum: violation.limits.upperBound)
        case .badFault(let reason): .badFault(reason: reason)
        case .recording(let reason): .recordingFailed(cause: reason)
        case .cancelled: .boardFailed(board: board, cause: "it was cancelled")
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import LinuxPlatform
import Varlink

/// The methods that change something.
extension ControlService {
    /// When a client is told how far an operation is: as often as a person can follow, and often enough that the
    /// client neither gives up on the daemon nor takes long to notice an interrupt of its user.
    private static func pace(of changed: ChangeSignal) -> VarlinkPace {
        .onChange(changed, shortest: 100, longest: 1_000)
    }

    func change(
        _ method: ControlMethod, _ call: VarlinkCall
    ) throws(VarlinkError) -> VarlinkAnswer {
        guard operation.mayChange(call.peer) else { throw .control(.notPermitted) }
        let (board, operation) = try request(method, call)
        let progress = try self.operation.begin(operation, on: try name(ofBoard: board))
        return .replies(Self.pace(of: progress.changed)) {
            () throws(VarlinkError) in try reply(to: method, progress)
        }
    }

    func reload(_ call: VarlinkCall) throws(VarlinkError) -> VarlinkAnswer {
        guard operation.mayChange(call.peer) else { throw .control(.notPermitted) }
        _ = try call.decodeParameters(as: JSONValue.self, names: [])
        let progress = operation.reload()
        return .replies(Self.pace(of: progress.changed)) {
            () throws(VarlinkError) in
            if let report = try progress.poll() { .last(report) } else { .none }
        }
    }

    /// The operation that a call asks for, and the board as the client names it.
    private func request(
        _ method: ControlMethod, _ call: VarlinkCall
    ) throws(VarlinkError) -> (board: String?, operation: BoardOperation) {
        switch method {
        case .setOperatingPoint:
            let asked = try call.decodeParameters(
                as: SetOperatingPointParameters.self, names: SetOperatingPointParameters.names)
            // A call that sets no quantity would restart the tests of the lanes for nothing.
            guard !asked.point.isEmpty else {
                throw .invalidParameter("amplitudeMillivolts")
            }
            return (asked.board, .setOperatingPoint(asked.point))
        case .calibrate:
            let asked = try call.decodeParameters(
                as: CalibrateParameters.self, names: CalibrateParameters.names)
            return (asked.board, .calibrate(try asked.request()))
        case .record:
            let asked = try call.decodeParameters(
                as: RecordParameters.self, names: RecordParameters.names)
            guard let file = call.descriptor else { throw .control(.noDescriptor) }
            let (shots, restarts) = try asked.checked()
            return (
                asked.board, .record(RecordRequest(file: file, shots: shots, restarts: restarts))
            )
        case .injectFault:
            let asked = try call.decodeParameters(
                as: InjectFaultParameters.self, names: InjectFaultParameters.names)
            return (asked.board, try asked.operation())
        case .getStatus, .listBoards, .getHealth, .watch, .getConfig, .getMetrics, .reload:
            preconditionFailure("\(method) changes nothing")
        }
    }

    private func reply(
        to method: ControlMethod, _ progress: any BoardOperationProgress
    ) throws(VarlinkError) -> VarlinkReplyStep {
        switch (try progress.poll(), method) {
        case (.running(let done, let total), .calibrate):
            .item(CalibrationProgress(pointsDone: done, pointsTotal: total, sweep: nil))
        case (.running(let done, let total), .record):
            .item(RecordingProgress(shotsDone: done, shotsTotal: total, bytes: 0))
        case (.running, _): .none
        case (.finished(.operatingPoint(let point)), _):
            .last(OperatingPointReply(operatingPoint: point))
        case (.finished(.swept(let sweep)), _):
            .last(
                CalibrationProgress(
                    pointsDone: sweep.points.count, pointsTotal: sweep.points.count, sweep: sweep))
        case (.finished(.recorded(let recording)), _): .last(recording)
        case (.finished(.done), _): .last(JSONValue.object([:]))
        }
    }
}

extension CalibrateParameters {
    fileprivate func request() throws(VarlinkError) -> SweepRequest {
        guard amplitudes?.isValid ?? true else { throw .invalidParameter("amplitudes") }
        guard widths?.isValid ?? true else { throw .invalidParameter("widths") }
        let points = (amplitudes?.count ?? 1) * (widths?.count ?? 1)
        guard points <= SweepRequest.maximumPoints else { throw .invalidParameter("widths") }
        guard SweepRequest.shotLimits.contains(shotsPerPoint) else {
            throw .invalidParameter("shotsPerPoint")
        }
        return SweepRequest(amplitudes: amplitudes, widths: widths, shotsPerPoint: shotsPerPoint)
    }
}

extension RecordParameters {
    fileprivate func checked() throws(VarlinkError) -> (shots: Int, restarts: Int) {
        guard RecordRequest.shotLimits.contains(shots) else { throw .invalidParameter("shots") }
        let restarts = restarts ?? 1
        guard RecordRequest.restartLimits.contains(restarts) else {
            throw .invalidParameter("restarts")
        }
        return (shots, restarts)
    }
}

extension InjectFaultParameters {
    fileprivate func operation() throws(VarlinkError) -> BoardOperation {
        if fault == FaultRequest.none { return .clearFaults }
        guard lanes?.allSatisfy({ $0 >= 0 }) ?? true else { throw .invalidParameter("lanes") }
        guard afterShots ?? 0 >= 0 else { throw .invalidParameter("afterShots") }
        guard forShots ?? 1 > 0 else { throw .invalidParameter("forShots") }
        return .inject(
            FaultRequest(
                fault: fault, lanes: lanes ?? [], afterShots: afterShots ?? 0, forShots: forShots))
    }
}

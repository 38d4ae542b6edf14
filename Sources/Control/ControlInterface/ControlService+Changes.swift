// SPDX-License-Identifier: Apache-2.0

import Varlink

/// The methods that change something.
extension ControlService {
    /// How often it is looked how far an operation is.
    private static let pollMilliseconds = 20

    func change(
        _ method: ControlMethod, _ call: VarlinkCall
    ) throws(VarlinkError) -> VarlinkAnswer {
        guard operation.mayChange(call.peer) else { throw .control(.notPermitted) }
        let (board, operation) = try wish(method, call)
        let progress = try self.operation.begin(operation, on: try self.board(named: board))
        return .replies(everyMilliseconds: Self.pollMilliseconds) {
            () throws(VarlinkError) in try reply(to: method, progress)
        }
    }

    func reload(_ call: VarlinkCall) throws(VarlinkError) -> VarlinkAnswer {
        guard operation.mayChange(call.peer) else { throw .control(.notPermitted) }
        _ = try call.decodeParameters(as: JSONValue.self, names: [])
        let progress = operation.reload()
        return .replies(everyMilliseconds: Self.pollMilliseconds) {
            () throws(VarlinkError) in
            if let report = try progress.poll() { .last(report) } else { .none }
        }
    }

    /// What the call wants done, and with which board.
    private func wish(
        _ method: ControlMethod, _ call: VarlinkCall
    ) throws(VarlinkError) -> (board: String?, operation: BoardOperation) {
        switch method {
        case .setOperatingPoint:
            let asked = try call.decodeParameters(
                as: SetOperatingPointParameters.self, names: SetOperatingPointParameters.names)
            // Setting nothing would disturb the board for nothing.
            guard asked.point != PartialOperatingPoint() else {
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

extension SetOperatingPointParameters {
    fileprivate var point: PartialOperatingPoint {
        PartialOperatingPoint(
            amplitudeMillivolts: amplitudeMillivolts, pulseWidthPicoseconds: pulseWidthPicoseconds,
            biasFieldMicrotesla: biasFieldMicrotesla)
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

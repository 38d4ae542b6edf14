// SPDX-License-Identifier: Apache-2.0

package import BoardProtocol
package import LinuxPlatform
package import Varlink

/// Why the daemon gave no answer.
package enum ControlClientError: Error, Equatable {
    /// An error of the interface.
    case control(ControlError)
    case varlink(VarlinkClientError)
}

/// A connection to the daemon's control plane. For one thread at a time; every call waits.
package final class ControlClient {
    private let client: VarlinkClient

    /// - Parameter path: of the control socket.
    package init(path: String) throws(ControlClientError) {
        do {
            client = try VarlinkClient(path: path)
        } catch {
            throw .varlink(error)
        }
    }

    /// The state of the daemon and of one board (by name or serial), or of every board.
    package func status(of board: String? = nil) throws(ControlClientError) -> StatusReport {
        try call(.getStatus, BoardParameters(board: board), returning: StatusReport.self)
    }

    package func boards() throws(ControlClientError) -> [BoardSummary] {
        try call(.listBoards, returning: BoardList.self).boards
    }

    /// The health of a board (by name or serial), or of the only one.
    package func health(of board: String? = nil) throws(ControlClientError) -> BoardHealth {
        try call(.getHealth, BoardParameters(board: board), returning: HealthReply.self).health
    }

    package func configuration() throws(ControlClientError) -> ConfigurationReport {
        try call(.getConfig, returning: ConfigurationReport.self)
    }

    /// Figures for a monitoring system, in the text format of Prometheus.
    package func metrics() throws(ControlClientError) -> String {
        try call(.getMetrics, returning: MetricsReply.self).text
    }

    /// The state again and again, until `onReport` wants no more. Then the connection is closed.
    ///
    /// - Parameter intervalSeconds: within `watchIntervals`.
    package func watch(
        _ board: String? = nil, intervalSeconds: Double = defaultWatchInterval,
        onReport: (StatusReport) -> VarlinkClient.Decision
    ) throws(ControlClientError) {
        precondition(watchIntervals.contains(intervalSeconds))
        let patience = Int(intervalSeconds * 1_000) + VarlinkClient.defaultTimeoutMilliseconds
        do {
            try client.stream(
                ControlMethod.watch.qualifiedName,
                WatchParameters(board: board, intervalSeconds: intervalSeconds),
                returning: StatusReport.self, timeoutMilliseconds: patience, onReply: onReport)
        } catch {
            throw ControlClientError(error)
        }
    }

    // MARK: Changes

    /// Sets what the devices of a board are driven with.
    ///
    /// - Returns: the operating point then.
    package func setOperatingPoint(
        _ point: PartialOperatingPoint, of board: String? = nil
    ) throws(ControlClientError) -> OperatingPoint {
        let parameters = SetOperatingPointParameters(board: board, point: point)
        return try call(
            .setOperatingPoint, parameters, returning: OperatingPointReply.self
        ).operatingPoint
    }

    /// Measures operating points. Waits until all are done.
    ///
    /// - Parameter onProgress: is told how far it is, again and again; ends it by `stop`.
    /// - Returns: nil when it was ended.
    package func calibrate(
        _ request: SweepRequest, board: String? = nil,
        onProgress: (CalibrationProgress) -> VarlinkClient.Decision
    ) throws(ControlClientError) -> SweepReport? {
        let parameters = CalibrateParameters(
            board: board, amplitudes: request.amplitudes, widths: request.widths,
            shotsPerPoint: request.shotsPerPoint)
        var sweep: SweepReport?
        _ = try stream(.calibrate, parameters, returning: CalibrationProgress.self) { progress in
            sweep = progress.sweep
            return onProgress(progress)
        }
        return sweep
    }

    /// Keeps frames of a board in a file.
    ///
    /// - Parameters:
    ///   - file: a regular file, open for writing.
    ///   - onProgress: as for `calibrate`.
    /// - Returns: what was kept; nil when it was ended.
    package func record(
        shots: Int, restarts: Int, to file: Descriptor, board: String? = nil,
        onProgress: (RecordingProgress) -> VarlinkClient.Decision
    ) throws(ControlClientError) -> RecordingProgress? {
        let parameters = RecordParameters(board: board, shots: shots, restarts: restarts)
        var last: RecordingProgress?
        let isOver = try stream(
            .record, parameters, returning: RecordingProgress.self, descriptor: file
        ) { progress in
            last = progress
            return onProgress(progress)
        }
        return isOver ? last : nil
    }

    /// Makes a simulated board fail.
    package func inject(
        _ request: FaultRequest, board: String? = nil
    ) throws(ControlClientError) {
        let parameters = InjectFaultParameters(
            board: board, fault: request.fault, lanes: request.lanes,
            afterShots: request.afterShots, forShots: request.forShots)
        _ = try call(.injectFault, parameters, returning: JSONValue.self)
    }

    /// Lets the daemon read its configuration again.
    package func reload() throws(ControlClientError) -> ReloadReport {
        try call(.reload, returning: ReloadReport.self)
    }

    /// Replies come at least as often as the daemon tells how far it is.
    ///
    /// - Returns: whether the last one came.
    private func stream<Reply: Decodable>(
        _ method: ControlMethod, _ parameters: some Encodable, returning type: Reply.Type,
        descriptor: Descriptor? = nil, onReply: (Reply) -> VarlinkClient.Decision
    ) throws(ControlClientError) -> Bool {
        do {
            return try client.stream(
                method.qualifiedName, parameters, returning: type, descriptor: descriptor,
                onReply: onReply)
        } catch {
            throw ControlClientError(error)
        }
    }

    private func call<Reply: Decodable>(
        _ method: ControlMethod, _ parameters: some Encodable = BoardParameters(),
        returning type: Reply.Type
    ) throws(ControlClientError) -> Reply {
        do {
            return try client.call(method.qualifiedName, parameters, returning: type)
        } catch {
            throw ControlClientError(error)
        }
    }
}

extension ControlClientError {
    init(_ error: VarlinkClientError) {
        if case .remote(let remote) = error, let known = ControlError(remote) {
            self = .control(known)
        } else {
            self = .varlink(error)
        }
    }
}

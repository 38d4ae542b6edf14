// SPDX-License-Identifier: Apache-2.0

package import BoardOperations
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

    /// Has an operation of a board done, and waits for its end.
    ///
    /// - Parameter board: by name or serial; nil for the only one.
    package func perform<Operation: BoardOperation>(
        _ operation: Operation, on board: String? = nil
    ) throws(ControlClientError) -> Operation.Reply {
        do {
            var reply = try client.call(
                Operation.qualifiedName, OperationCall(board: board, operation: operation),
                returning: Operation.Reply.self, descriptor: operation.file)
            if let socket = client.takePassed() { Operation.attach(socket, to: &reply) }
            return reply
        } catch {
            throw ControlClientError(error)
        }
    }

    /// Has an operation of a board done, however long it takes.
    ///
    /// - Parameters:
    ///   - board: by name or serial; nil for the only one.
    ///   - onProgress: is told how far it is, at least once a second, and the result; ends the operation by `stop`.
    ///     Then the connection is closed.
    /// - Returns: the result; nil when the operation was ended.
    package func perform<Operation: BoardOperation>(
        _ operation: Operation, on board: String? = nil,
        onProgress: (Operation.Reply) -> VarlinkClient.Decision
    ) throws(ControlClientError) -> Operation.Reply? {
        var last: Operation.Reply?
        do {
            let isOver = try client.stream(
                Operation.qualifiedName, OperationCall(board: board, operation: operation),
                returning: Operation.Reply.self, descriptor: operation.file
            ) { reply in
                last = reply
                return onProgress(reply)
            }
            return isOver ? last : nil
        } catch {
            throw ControlClientError(error)
        }
    }

    /// Has the daemon read its configuration again.
    package func reload() throws(ControlClientError) -> ReloadReport {
        try call(.reload, returning: ReloadReport.self)
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

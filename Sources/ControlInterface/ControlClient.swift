// SPDX-License-Identifier: Apache-2.0

package import Varlink

/// Why the daemon gave no answer.
package enum ControlClientError: Error, Equatable {
    /// There is no board of that name or serial; with `asked` nil, there is not exactly one board.
    /// `boards` are the names of those there are.
    case noSuchBoard(asked: String?, boards: [String])
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

    private func call<Reply: Decodable>(
        _ method: ControlMethod, _ parameters: BoardParameters = BoardParameters(),
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
        guard case .remote(let remote) = error, remote.name == NoSuchBoard.name,
            let details = try? remote.parameters.decode(NoSuchBoard.self)
        else {
            self = .varlink(error)
            return
        }
        let asked = details.board.isEmpty ? nil : details.board
        self = .noSuchBoard(asked: asked, boards: details.boards)
    }
}

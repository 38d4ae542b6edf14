// SPDX-License-Identifier: Apache-2.0

package import Varlink

/// Where the control plane takes its answers from: snapshots of what the daemon is doing.
///
/// Everything is asked on the control plane's thread. Nothing may wait, touch a board or change
/// anything.
package protocol ControlProvider: Sendable {
    func status() -> StatusReport
    func boards() -> [BoardSummary]

    /// - Parameter board: its name.
    /// - Returns: nil when there is no such board any more.
    func health(board: String) -> BoardHealth?

    func configuration() -> ConfigurationReport
}

/// `org.metrng.Control` on top of a provider.
package struct ControlService: VarlinkInterface {
    package let name = controlInterfaceName
    package let description = controlInterfaceText
    private let provider: any ControlProvider

    package init(_ provider: any ControlProvider) {
        self.provider = provider
    }

    package func call(_ call: VarlinkCall) throws(VarlinkError) -> VarlinkAnswer {
        guard let method = ControlMethod(rawValue: call.method) else {
            throw .methodNotFound("\(name).\(call.method)")
        }
        switch method {
        case .getStatus:
            let asked = try call.decodeParameters(
                as: BoardParameters.self, names: BoardParameters.names)
            return .reply(try status(of: asked.board))
        case .listBoards:
            _ = try call.decodeParameters(as: JSONValue.self, names: [])
            return .reply(BoardList(boards: provider.boards()))
        case .getHealth:
            let asked = try call.decodeParameters(
                as: BoardParameters.self, names: BoardParameters.names)
            return .reply(HealthReply(health: try health(of: asked.board)))
        case .watch:
            let asked = try call.decodeParameters(
                as: WatchParameters.self, names: WatchParameters.names)
            return try watch(asked)
        case .getConfig:
            _ = try call.decodeParameters(as: JSONValue.self, names: [])
            return .reply(provider.configuration())
        }
    }

    private func status(of board: String?) throws(VarlinkError) -> StatusReport {
        var report = provider.status()
        guard let board else { return report }
        let all = report.boards
        report.boards = all.filter { $0.name == board || $0.serial == board }
        guard !report.boards.isEmpty else { throw .noSuchBoard(board, of: all.map(\.name)) }
        return report
    }

    private func health(of board: String?) throws(VarlinkError) -> BoardHealth {
        let boards = provider.boards()
        let asked = boards.filter { board == nil || $0.name == board || $0.serial == board }
        guard asked.count == 1, let health = provider.health(board: asked[0].name) else {
            throw .noSuchBoard(board, of: boards.map(\.name))
        }
        return health
    }

    private func watch(_ asked: WatchParameters) throws(VarlinkError) -> VarlinkAnswer {
        let interval = asked.intervalSeconds ?? defaultWatchInterval
        guard watchIntervals.contains(interval) else { throw .invalidParameter("intervalSeconds") }
        _ = try status(of: asked.board)
        return .stream(everyMilliseconds: Int((interval * 1_000).rounded())) {
            () throws(VarlinkError) in try status(of: asked.board)
        }
    }
}

extension VarlinkError {
    /// - Parameter board: empty when none was named.
    fileprivate static func noSuchBoard(_ board: String?, of boards: [String]) -> VarlinkError {
        VarlinkError(
            name: NoSuchBoard.name,
            parameters: [
                "board": .string(board ?? ""), "boards": .array(boards.map(JSONValue.string)),
            ])
    }
}

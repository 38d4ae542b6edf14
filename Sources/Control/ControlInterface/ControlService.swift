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
    /// - Returns: nil when the board was not opened yet.
    func health(board: String) -> BoardHealth?

    func configuration() -> ConfigurationReport
}

/// `org.metrng.Control` on top of a provider of answers and an operator of changes.
package struct ControlService: VarlinkInterface {
    package let name = controlInterfaceName
    package let description = controlInterfaceText
    private let provider: any ControlProvider
    let operation: any ControlOperator

    package init(_ provider: any ControlProvider, _ operation: any ControlOperator) {
        self.provider = provider
        self.operation = operation
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
            guard call.wantsMore else { throw .expectedMore }
            return try watch(asked)
        case .setOperatingPoint, .calibrate, .record, .injectFault:
            return try change(method, call)
        case .reload:
            return try reload(call)
        case .getConfig:
            _ = try call.decodeParameters(as: JSONValue.self, names: [])
            return .reply(provider.configuration())
        case .getMetrics:
            _ = try call.decodeParameters(as: JSONValue.self, names: [])
            return .reply(MetricsReply(text: metricsText(provider.status())))
        }
    }

    private func status(of board: String?) throws(VarlinkError) -> StatusReport {
        var report = provider.status()
        guard let board else { return report }
        report.boards = [try Self.board(meantBy: board, among: report.boards)]
        return report
    }

    private func health(of board: String?) throws(VarlinkError) -> BoardHealth {
        let name = try self.board(named: board)
        guard let health = provider.health(board: name) else {
            throw .control(.boardFailed(board: name, cause: "it was not opened yet"))
        }
        return health
    }

    /// The name of the board that is meant: by name or serial, or the only one.
    func board(named board: String?) throws(VarlinkError) -> String {
        try Self.board(meantBy: board, among: provider.boards()).name
    }

    private static func board<Board: NamedBoard>(
        meantBy asked: String?, among boards: [Board]
    ) throws(VarlinkError) -> Board {
        do { return try boards.meant(by: asked) } catch { throw .control(error) }
    }

    private func watch(_ asked: WatchParameters) throws(VarlinkError) -> VarlinkAnswer {
        let interval = asked.intervalSeconds ?? defaultWatchInterval
        guard watchIntervals.contains(interval) else { throw .invalidParameter("intervalSeconds") }
        _ = try status(of: asked.board)
        return .replies(everyMilliseconds: Int((interval * 1_000).rounded())) {
            () throws(VarlinkError) in .item(try status(of: asked.board))
        }
    }
}

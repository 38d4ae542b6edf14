// SPDX-License-Identifier: Apache-2.0

package import LinuxPlatform
package import Varlink

/// The side of the daemon that tells what it is doing, in snapshots.
///
/// Every call comes from the control plane's thread and must neither wait, nor touch a board, nor change anything.
package protocol ControlProvider: Sendable {
    /// The name of the board that a client means: by name or serial, or the only one. Asks no board for its status.
    func name(ofBoard asked: String?) throws(ControlError) -> String

    /// - Parameter board: the name of the only board to report; nil for all.
    func status(board: String?) -> StatusReport

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
    private let changes: any ControlOperator
    private let operations: [String: OperationMethod]
    private let watches: Watches

    /// - Parameters:
    ///   - maximumConnections: the number of connections that the server admits; a part of it is kept free of
    ///     watches.
    ///   - clock: tells which replies to watches are of the same tick.
    package init(
        _ provider: any ControlProvider, _ changes: any ControlOperator,
        maximumConnections: @escaping @Sendable () -> Int = {
            VarlinkServer.defaultMaximumConnections
        }, clock: Clock = .system
    ) {
        self.provider = provider
        self.changes = changes
        watches = Watches(maximumConnections: maximumConnections, clock: clock)
        operations = Dictionary(uniqueKeysWithValues: changes.operations.map { ($0.name, $0) })
    }

    package func call(_ call: VarlinkCall) throws(VarlinkError) -> VarlinkAnswer {
        if let method = ControlMethod(rawValue: call.method) { return try answer(method, call) }
        guard let operation = operations[call.method] else {
            throw .methodNotFound("\(name).\(call.method)")
        }
        try admitChange(call)
        return try operation.answer(call) { (asked) throws(VarlinkError) in
            try name(ofBoard: asked)
        }
    }

    /// Throws for a client that may not make changes, and for a call whose outcome nobody would get: it could neither
    /// be told that the change was refused, nor cancel it.
    private func admitChange(_ call: VarlinkCall) throws(VarlinkError) {
        guard changes.mayChange(call.peer) else { throw .control(.notPermitted) }
        guard !call.isOneway else { throw .invalidParameter("oneway") }
    }

    private func answer(
        _ method: ControlMethod, _ call: VarlinkCall
    ) throws(VarlinkError) -> VarlinkAnswer {
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
            return try watch(asked, for: call.peer)
        case .reload:
            return try reload(call)
        case .getConfig:
            _ = try call.decodeParameters(as: JSONValue.self, names: [])
            return .reply(provider.configuration())
        case .getMetrics:
            _ = try call.decodeParameters(as: JSONValue.self, names: [])
            return .reply(MetricsReply(text: metricsText(provider.status(board: nil))))
        }
    }

    private func status(of board: String?) throws(VarlinkError) -> StatusReport {
        provider.status(
            board: try board.map { (asked) throws(VarlinkError) in try name(ofBoard: asked) })
    }

    private func health(of board: String?) throws(VarlinkError) -> BoardHealth {
        let name = try name(ofBoard: board)
        guard let health = provider.health(board: name) else {
            throw .control(.boardFailed(board: name, cause: "it has not been opened yet"))
        }
        return health
    }

    /// The name of the board that is meant: by name or serial, or the only one.
    private func name(ofBoard asked: String?) throws(VarlinkError) -> String {
        do { return try provider.name(ofBoard: asked) } catch { throw .control(error) }
    }

    private func reload(_ call: VarlinkCall) throws(VarlinkError) -> VarlinkAnswer {
        try admitChange(call)
        _ = try call.decodeParameters(as: JSONValue.self, names: [])
        let progress = changes.reload()
        return .replies(.progress(of: progress.changed)) { () throws(VarlinkError) in
            if let report = try progress.poll() { .last(report) } else { .none }
        }
    }

    private func watch(
        _ asked: WatchParameters, for peer: PeerCredentials
    ) throws(VarlinkError) -> VarlinkAnswer {
        let interval = asked.intervalSeconds ?? defaultWatchInterval
        guard watchIntervals.contains(interval) else { throw .invalidParameter("intervalSeconds") }
        let board = try asked.board.map { (asked) throws(VarlinkError) in try name(ofBoard: asked) }
        let watch = try watches.begin(for: peer.userID)
        return .replies(.every(milliseconds: Int((interval * 1_000).rounded()))) {
            () throws(VarlinkError) in
            try watch.reply(about: board) { () throws(VarlinkError) in try status(of: board) }
        }
    }
}

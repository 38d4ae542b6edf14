// SPDX-License-Identifier: Apache-2.0

package import BoardOperations
package import ControlInterface
package import LinuxPlatform
package import Synchronization
package import TestSupport
package import Varlink

/// Answers with the boards it is told to have.
package final class FakeProvider: ControlProvider {
    private let current: Mutex<[BoardStatus]>

    package init(boards: [BoardStatus]) {
        current = Mutex(boards)
    }

    package func setBoards(_ boards: [BoardStatus]) {
        current.withLock { $0 = boards }
    }

    package func name(ofBoard asked: String?) throws(ControlError) -> String {
        try current.withLock { $0 }.meant(by: asked).name
    }

    package func status(board: String?) -> StatusReport {
        statusCount.add(1, ordering: .relaxed)
        let boards = current.withLock { $0 }
        return StatusReport(
            service: Samples.service,
            boards: board.map { name in boards.filter { $0.name == name } } ?? boards)
    }

    /// How many statuses were asked for.
    package let statusCount = Atomic(0)

    package func boards() -> [BoardSummary] {
        current.withLock { $0 }.map(Samples.summary)
    }

    package func health(board: String) -> BoardHealth? {
        let isOpened = current.withLock { $0 }.contains { $0.name == board && $0.lanes > 0 }
        guard isOpened else { return nil }
        var health = Samples.health
        health.name = board
        return health
    }

    package func configuration() -> ConfigurationReport { Samples.configuration }
}

/// Does what a test says: keeps the operations that it was asked for, and goes through the steps it was given.
package final class FakeOperator: ControlOperator {
    private struct Script: Sendable {
        var isPermitted = true
        var failure: ControlError?
        var steps: [VarlinkReplyStep] = [.last(EmptyReply())]
        var begun: [(operation: any BoardOperation, board: String)] = []
        var abandoned = 0
        var reloads: [ReloadReport?] = []
        var reloadCount = 0
    }

    private let script = Mutex(Script())

    package init() {}

    package func permit(_ isPermitted: Bool) { script.withLock { $0.isPermitted = isPermitted } }

    /// Makes operations fail: at once, or after the steps when there are any.
    package func fail(_ error: ControlError) { script.withLock { $0.failure = error } }

    /// Sets the steps of the next operations; each is told, and the last one is repeated.
    package func play(_ steps: [VarlinkReplyStep]) { script.withLock { $0.steps = steps } }

    package var begun: [(operation: any BoardOperation, board: String)] {
        script.withLock { $0.begun }
    }

    /// The number of operations that nobody asks about any more.
    package var abandoned: Int { script.withLock { $0.abandoned } }

    /// Sets what polls of the next reload come to; then it fails, when there is a failure.
    package func reloads(_ reports: [ReloadReport?]) { script.withLock { $0.reloads = reports } }

    package func reload() -> any ReloadProgress {
        script.withLock { script in
            script.reloadCount += 1
            return FakeReload(script.reloads, then: script.failure?.varlink)
        }
    }

    /// The number of reloads that were begun.
    package var reloadCount: Int { script.withLock { $0.reloadCount } }

    package func mayChange(_ peer: PeerCredentials) -> Bool { script.withLock { $0.isPermitted } }

    package var operations: [OperationMethod] {
        [
            method(SetOperatingPoint.self), method(Calibrate.self), method(Record.self),
            method(InjectFault.self), method(LeaseLanes.self),
        ]
    }

    private func method<Operation: BoardOperation>(_ type: Operation.Type) -> OperationMethod {
        OperationMethod(
            type,
            progress: { [self] (operation, board) throws(ControlError) in
                try begin(operation, board)
            })
    }

    private func begin(
        _ operation: any BoardOperation, _ board: String
    ) throws(ControlError) -> OperationProgress {
        let (steps, failure) = script.withLock { script in
            script.begun.append((operation, board))
            return (script.steps, script.failure)
        }
        if steps.isEmpty, let failure { throw failure }
        let fake = FakeOperation(steps, then: failure) { [self] in
            script.withLock { $0.abandoned += 1 }
        }
        return OperationProgress(changed: fake.changed) { () throws(VarlinkError) in
            try fake.next()
        }
    }
}

private final class FakeOperation: Sendable {
    let changed = ChangeSignal()
    private let steps: Mutex<[VarlinkReplyStep]>
    private let failure: ControlError?
    private let onEnd: @Sendable () -> Void

    init(
        _ steps: [VarlinkReplyStep], then failure: ControlError?,
        onEnd: @escaping @Sendable () -> Void
    ) {
        self.steps = Mutex(steps)
        self.failure = failure
        self.onEnd = onEnd
    }

    deinit { onEnd() }

    func next() throws(VarlinkError) -> VarlinkReplyStep {
        // The next step has been made meanwhile.
        changed.raise()
        let step = steps.withLock { steps -> VarlinkReplyStep? in
            steps.count > 1 || failure != nil && !steps.isEmpty ? steps.removeFirst() : steps.first
        }
        if let step { return step }
        throw failure?.varlink ?? .permissionDenied
    }
}

private final class FakeReload: ReloadProgress {
    let changed = ChangeSignal()
    private let steps: Mutex<[ReloadReport?]>
    private let failure: VarlinkError?

    init(_ steps: [ReloadReport?], then failure: VarlinkError?) {
        self.steps = Mutex(steps)
        self.failure = failure
    }

    func poll() throws(VarlinkError) -> ReloadReport? {
        let next = steps.withLock { $0.isEmpty ? nil : [$0.removeFirst()] }
        // The next step has been made meanwhile.
        changed.raise()
        if let next { return next[0] }
        throw failure ?? .permissionDenied
    }
}

/// A control plane in this process, on a socket in a directory of its own.
package final class FakeDaemon {
    package let provider: FakeProvider
    package let operation = FakeOperator()
    private let directory: TemporaryDirectory
    package let server: VarlinkServer

    package var path: String { directory.file("control.sock") }

    /// - Parameters:
    ///   - directory: where the socket is.
    ///   - changes: makes the changes instead of `operation`.
    ///   - maximumConnections: the number of clients that may be connected.
    package init(
        boards: [BoardStatus] = [Samples.board], changes: (any ControlOperator)? = nil,
        maximumConnections: Int = VarlinkServer.defaultMaximumConnections,
        in directory: TemporaryDirectory = TemporaryDirectory()
    ) throws {
        self.directory = directory
        provider = FakeProvider(boards: boards)
        server = try VarlinkServer(
            listener: try UnixListener(path: directory.file("control.sock"), mode: 0o600),
            info: VarlinkServiceInfo(
                vendor: "metrng", product: "fake", version: metrngVersion, url: ""),
            interfaces: [
                ControlService(
                    provider, changes ?? operation, maximumConnections: { maximumConnections })
            ], maximumConnections: maximumConnections)
    }

    deinit { server.stop() }
}

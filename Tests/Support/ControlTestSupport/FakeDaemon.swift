// SPDX-License-Identifier: Apache-2.0

package import ControlInterface
import LinuxPlatform
import Synchronization
package import Varlink
import TestSupport

/// Answers with the boards it is told to have.
package final class FakeProvider: ControlProvider {
    private let current: Mutex<[BoardStatus]>

    package init(boards: [BoardStatus]) {
        current = Mutex(boards)
    }

    package func setBoards(_ boards: [BoardStatus]) {
        current.withLock { $0 = boards }
    }

    package func status() -> StatusReport {
        StatusReport(service: Samples.service, boards: current.withLock { $0 })
    }

    package func boards() -> [BoardSummary] {
        current.withLock { $0 }.map(Samples.summary)
    }

    package func health(board: String) -> BoardHealth? {
        guard current.withLock({ $0 }).contains(where: { $0.name == board }) else { return nil }
        var health = Samples.health
        health.name = board
        return health
    }

    package func configuration() -> ConfigurationReport { Samples.configuration }
}

/// A control plane in this process, on a socket in a directory of its own.
package final class FakeDaemon {
    package let provider: FakeProvider
    private let directory = TemporaryDirectory()
    package let server: VarlinkServer

    package var path: String { directory.file("control.sock") }

    package init(boards: [BoardStatus] = [Samples.board]) throws {
        provider = FakeProvider(boards: boards)
        server = try VarlinkServer(
            listener: try UnixListener(path: directory.file("control.sock"), mode: 0o600),
            info: VarlinkServiceInfo(
                vendor: "metrng", product: "fake", version: metrngVersion, url: ""),
            interfaces: [ControlService(provider)])
    }

    deinit { server.stop() }
}

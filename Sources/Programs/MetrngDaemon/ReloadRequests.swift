// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import DaemonConfiguration
import LinuxPlatform
import Synchronization
import Varlink

/// Wishes of the control plane that the configuration be read again, on their way to the main thread,
/// which does it.
final class ReloadRequests: Sendable {
    /// A wish, and what came of it.
    final class Request: ReloadProgress {
        private let outcome = Mutex<Result<ReloadReport, ConfigurationRefusal>?>(nil)

        func finish(_ result: Result<ReloadReport, ConfigurationRefusal>) {
            outcome.withLock { $0 = result }
        }

        func poll() throws(VarlinkError) -> ReloadReport? {
            switch outcome.withLock({ $0 }) {
            case nil: nil
            case .success(let report): report
            case .failure(let refusal):
                throw .control(.configurationRefused(problems: refusal.problems))
            }
        }
    }

    private let waiting = Mutex<[Request]>([])
    private let wakeup: Wakeup

    /// - Parameter wakeup: of the main thread.
    init(wakeup: Wakeup) { self.wakeup = wakeup }

    /// Any thread; never waits for long.
    func add() -> Request {
        let request = Request()
        waiting.withLock { $0.append(request) }
        wakeup.signal()
        return request
    }

    /// Everything that waits.
    func takeAll() -> [Request] {
        waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
    }
}

/// What is wrong with the configuration: a line for each problem, with file, line and key.
struct ConfigurationRefusal: Error {
    let problems: [String]
}

extension ConfigurationChange {
    init(_ change: SettingChange) {
        self.init(
            key: change.key, old: change.old, new: change.new, applied: change.appliesLive)
    }
}

// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import DaemonConfiguration
import LinuxPlatform
import Synchronization
import Varlink

/// The queue of requests from the control plane to the main thread, which reads the configuration again.
final class ReloadRequests: Sendable {
    /// A request and its outcome.
    final class Request: ReloadProgress {
        let changed = ChangeSignal()
        private let outcome = Mutex<Result<ReloadReport, ConfigurationRefusal>?>(nil)

        func finish(_ result: Result<ReloadReport, ConfigurationRefusal>) {
            outcome.withLock { $0 = result }
            changed.raiseLast()
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

    /// - Parameter wakeup: wakes the main thread.
    init(wakeup: Wakeup) { self.wakeup = wakeup }

    /// Adds a request and wakes the main thread. Any thread; never waits.
    func add() -> Request {
        let request = Request()
        waiting.withLock { $0.append(request) }
        wakeup.signal()
        return request
    }

    /// Takes all requests that wait.
    func takeAll() -> [Request] {
        waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
    }
}

/// The problems of a configuration that was refused: a line for each, with file, line and key.
struct ConfigurationRefusal: Error {
    let problems: [String]
}

extension ConfigurationChange {
    init(_ change: SettingChange) {
        self.init(
            key: change.key, old: change.old, new: change.new, applied: change.appliesLive)
    }
}

// SPDX-License-Identifier: Apache-2.0

import EntropyPipeline
import LinuxPlatform
import Synchronization

/// What pipelines report, on its way to the log: a pipeline must never wait for a log.
final class EventQueue: Sendable {
    struct Entry: Sendable {
        let board: String
        let event: PipelineEvent
    }

    private struct Waiting {
        var entries: [Entry] = []
        var lost = 0
    }

    /// What does not fit any more is counted instead.
    private static let capacity = 256

    /// Up while something waits.
    let wakeup: Wakeup
    private let waiting = Mutex(Waiting())

    init() throws(SystemError) { wakeup = try Wakeup() }

    /// Any thread; never waits for long.
    func add(_ entry: Entry) {
        waiting.withLock { waiting in
            if waiting.entries.count < Self.capacity {
                waiting.entries.append(entry)
            } else {
                waiting.lost += 1
            }
        }
        wakeup.signal()
    }

    /// Everything that waits, and how much did not fit.
    func takeAll() -> (entries: [Entry], lost: Int) {
        wakeup.clear()
        return waiting.withLock { waiting in
            defer { waiting = Waiting() }
            return (waiting.entries, waiting.lost)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import EntropyPipeline
import LinuxPlatform
import Logging
import Synchronization

/// The queue of pipeline events for the log: a pipeline must never wait for the log.
final class EventQueue: Sendable {
    struct Entry: Sendable {
        let board: String
        let event: PipelineEvent
    }

    private struct Waiting {
        var entries: [Entry] = []
        var alarms = 0
        var lost = 0
    }

    /// The most frequent events that wait; more are only counted. Other events are few, and must not be lost
    /// among the alarms that caused them.
    private static let alarmCapacity = 1_024

    /// Up while something waits.
    let wakeup: Wakeup
    private let waiting = Mutex(Waiting())

    init() throws(SystemError) { wakeup = try Wakeup() }

    /// Any thread; never waits for long.
    func add(_ entry: Entry) {
        // Events below the log's level must not displace others.
        let level = logThreshold.load(ordering: .relaxed)
        if entry.event.isRoutine, level > Logger.Level.debug.severity { return }
        waiting.withLock { waiting in
            if entry.event.isFrequent {
                guard waiting.alarms < Self.alarmCapacity else { return waiting.lost += 1 }
                waiting.alarms += 1
            }
            waiting.entries.append(entry)
        }
        wakeup.signal()
    }

    /// Takes the waiting events, and the number of alarms that did not fit.
    func takeAll() -> (entries: [Entry], lost: Int) {
        wakeup.clear()
        return waiting.withLock { waiting in
            defer { waiting = Waiting() }
            return (waiting.entries, waiting.lost)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import EntropyPipeline
import LinuxPlatform
import Logging
import Synchronization

/// What pipelines report, on its way to the log: a pipeline must never wait for a log.
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

    /// How many frequent reports wait at most; more are counted instead. Other reports are few, and the
    /// one that says what came of the alarms must not be lost among them.
    private static let alarmCapacity = 1_024

    /// Up while something waits.
    let wakeup: Wakeup
    private let waiting = Mutex(Waiting())

    init() throws(SystemError) { wakeup = try Wakeup() }

    /// Any thread; never waits for long.
    func add(_ entry: Entry) {
        // What nobody is going to read is not to take places from others.
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

    /// Everything that waits, and how many alarms did not fit.
    func takeAll() -> (entries: [Entry], lost: Int) {
        wakeup.clear()
        return waiting.withLock { waiting in
            defer { waiting = Waiting() }
            return (waiting.entries, waiting.lost)
        }
    }
}

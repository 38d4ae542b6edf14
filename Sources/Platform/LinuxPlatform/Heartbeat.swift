// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Whether a thread gets on: it beats as it works, and says when it waits for something that may never
/// come. The thread itself calls `beat` and `waiting`; anybody looks at it with a `HeartbeatWatch`.
package final class Heartbeat: Sendable {
    /// Even while the thread works, odd while it waits.
    private let count = Atomic<UInt64>(0)

    package init() {}

    package func beat() { count.add(2, ordering: .relaxed) }

    /// Waits in `body`, which does nothing else that could take long. Not to be nested.
    package func waiting<Result, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        count.add(1, ordering: .relaxed)
        defer { count.add(1, ordering: .relaxed) }
        return try body()
    }

    fileprivate var value: UInt64 { count.load(ordering: .relaxed) }
}

/// Looks at threads from time to time. For one thread.
package struct HeartbeatWatch {
    private let threads: [(name: String, heartbeat: Heartbeat)]
    /// What was seen the last time.
    private var seen: [UInt64?]

    package init(_ threads: [(name: String, heartbeat: Heartbeat)]) {
        self.threads = threads
        seen = threads.map { _ in nil }
    }

    /// The names of the threads that neither wait nor have moved since the last look.
    package mutating func look() -> [String] {
        let before = seen
        let now = threads.map(\.heartbeat.value)
        seen = now
        return threads.indices.filter { now[$0] == before[$0] && now[$0].isMultiple(of: 2) }
            .map { threads[$0].name }
    }
}

// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import Synchronization

/// Closes what clients gave on a thread that nobody waits for: the last close of a descriptor may wait for unsent data
/// (a TCP socket with SO_LINGER) or for the server of a file system (NFS, FUSE).
///
/// What lingers is cut short after some milliseconds. Where a close takes longer all the same, another thread takes
/// over what waits, up to `threadLimit` of them; beyond that, what clients gave stays open until one has returned. Any
/// thread may call; the threads end with the process.
package final class DescriptorCloser: Sendable {
    package static let shared = DescriptorCloser()

    private static let threadLimit = 64
    /// How long a close may take until another thread takes over, in nanoseconds.
    private static let patience: UInt64 = 500_000_000

    private struct State {
        /// Those that wait, in the order in which they came; those before `next` are done with.
        private var waiting: [Int32] = []
        private var next = 0
        /// How many threads were started, of which the last one takes what waits.
        var threads = 0
        /// Since when that thread has been in a close, in monotonic nanoseconds; nil while it waits.
        var closingSince: UInt64?

        mutating func append(_ raw: Int32) { waiting.append(raw) }

        mutating func takeNext() -> Int32? {
            guard next < waiting.count else {
                waiting.removeAll(keepingCapacity: true)
                next = 0
                return nil
            }
            next += 1
            return waiting[next - 1]
        }
    }

    private let state = Mutex(State())
    private let arrival: Wakeup?

    private init() { arrival = try? Wakeup() }

    /// Closes a descriptor soon.
    package func close(_ raw: Int32) {
        guard let arrival, hasThread() else {
            // A process without a descriptor or a thread to spare when it began has no better way.
            clinux_close_without_lingering(raw)
            return
        }
        state.withLock { $0.append(raw) }
        arrival.signal()
    }

    /// Starts a thread if there is none, or if the last one is held up.
    private func hasThread() -> Bool {
        state.withLock { state in
            let isHeldUp = state.closingSince.map { monotonicNanoseconds() - $0 > Self.patience } ?? false
            guard state.threads == 0 || isHeldUp && state.threads < Self.threadLimit else { return true }
            let number = state.threads + 1
            guard let thread = try? WorkerThread(name: "metrngd-closer", { self.run(number) }) else {
                return state.threads > 0
            }
            thread.detach()
            state.threads = number
            state.closingSince = nil
            return true
        }
    }

    /// Closes what waits until another thread has taken over.
    private func run(_ number: Int) {
        while true {
            let next: Int32? = state.withLock { state in
                guard state.threads == number, let next = state.takeNext() else { return nil }
                state.closingSince = monotonicNanoseconds()
                return next
            }
            if let next {
                clinux_close_without_lingering(next)
            } else {
                arrival?.wait()
            }
            let isLast = state.withLock { state in
                if state.threads == number { state.closingSince = nil }
                return state.threads == number
            }
            guard isLast else { return }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

package import EntropyRing
package import Synchronization

/// Counts that the pipeline's thread writes and any thread reads. Each is exact; two that are read one after
/// another need not belong to the same moment.
package final class PipelineCounters: Sendable {
    /// Shots of accepted frames.
    package let shotsReceived = Atomic<UInt64>(0)
    /// Shots of judged windows.
    package let shots = Atomic<UInt64>(0)
    package let framesAccepted = Atomic<UInt64>(0)
    package let framesRejected = Atomic<UInt64>(0)
    package let bytesSkipped = Atomic<UInt64>(0)
    package let shotsDropped = Atomic<UInt64>(0)
    /// Windows of which bits could have been served, had the rings had room: while a job needs the board read, no
    /// window waits for clients.
    package let windowsDropped = Atomic<UInt64>(0)
    /// Bits of min-entropy credited to the input of `full` blocks.
    package let creditedBits = Atomic<UInt64>(0)
    /// Temperature of the array in units of 0.01 °C; from the last frame.
    package let temperature = Atomic<Int>(0)
    /// When bits last entered a ring, in monotonic nanoseconds; 0 before the first.
    package let newestBits = Atomic<UInt64>(0)
    /// Whether the rings are full, so that nobody reads the board.
    package let isResting = Atomic<Bool>(false)
    /// Shots that were judged, or measured for the trims or in a sweep.
    package let shotsPerSecond = RateMeter()
}

extension Atomic where Value == UInt64 {
    /// Where totals stop, which boards feed with numbers of their own: what every reader of JSON takes, and small enough
    /// for sums over boards.
    package static var largestTotal: UInt64 { 1 << 53 }

    /// Adds to a total of which this is the only writer.
    package func addToTotal(_ count: UInt64) {
        let total = load(ordering: .relaxed)
        let room = total < Self.largestTotal ? Self.largestTotal - total : 0
        store(total + (count < room ? count : room), ordering: .relaxed)
    }
}

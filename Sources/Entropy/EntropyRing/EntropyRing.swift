// SPDX-License-Identifier: Apache-2.0

package import LinuxPlatform
package import Synchronization

/// A ring of finished bits of one grade: one thread puts in, one thread takes out.
///
/// The bytes live in locked memory and are zeroed as they leave. Positions only grow; a position's
/// place in the memory is its remainder by the capacity.
package final class EntropyRing: @unchecked Sendable {
    package let capacity: Int
    private let memory: LockedMemory
    /// Bytes ever put in. Written by the producer.
    private let head = Atomic<Int>(0)
    /// Bytes ever taken out. Written by the consumer.
    private let tail = Atomic<Int>(0)
    /// Bytes before this position may no longer be delivered. Written by the producer.
    private let discarded = Atomic<Int>(0)
    /// Bytes delivered to clients. Written by the consumer, read by anybody.
    package let delivered = Atomic<Int>(0)
    /// Bytes delivered per second, counted by the consumer.
    package let deliveredPerSecond = RateMeter()

    /// - Parameters:
    ///   - capacity: in bytes, a power of two.
    ///   - locked: whether the memory must be kept from swap.
    package init(capacity: Int, locked: Bool) throws(SystemError) {
        precondition(capacity.nonzeroBitCount == 1)
        self.capacity = capacity
        memory = try LockedMemory(count: capacity, locked: locked)
    }

    /// Bytes that may be delivered. Exact for the producer and the consumer, a recent figure for
    /// others.
    package var available: Int {
        let mark = discarded.load(ordering: .sequentiallyConsistent)
        let start = max(tail.load(ordering: .acquiring), mark)
        return max(head.load(ordering: .sequentiallyConsistent) - start, 0)
    }

    package var isLocked: Bool { memory.isLocked }

    // MARK: The producer's side

    /// Room in the ring, in bytes.
    package var free: Int {
        let taken = tail.load(ordering: .sequentiallyConsistent)
        return capacity - (head.load(ordering: .relaxed) - taken)
    }

    /// Memory for the next bytes: as much of the free room as is contiguous. Bytes in it are the
    /// producer's until `publish`.
    package func writableSpan() -> UnsafeMutableRawBufferPointer {
        let start = head.load(ordering: .relaxed) & (capacity - 1)
        let count = min(free, capacity - start)
        return UnsafeMutableRawBufferPointer(rebasing: memory.bytes[start..<start + count])
    }

    /// Hands the first `count` bytes of `writableSpan` over to the consumer.
    package func publish(_ count: Int) {
        precondition(count <= free)
        // Sequentially consistent with the flag of a waiting consumer: see EntropySource.
        head.add(count, ordering: .sequentiallyConsistent)
    }

    /// Makes everything published until now undeliverable; the consumer has to wipe it.
    package func discardAll() {
        discarded.store(head.load(ordering: .relaxed), ordering: .sequentiallyConsistent)
    }

    // MARK: The consumer's side

    /// Whether there are bytes in the ring that may no longer be delivered.
    package var hasDiscarded: Bool {
        tail.load(ordering: .relaxed) < discarded.load(ordering: .sequentiallyConsistent)
    }

    /// Wipes and removes what was discarded.
    ///
    /// - Returns: whether there was anything.
    package func removeDiscarded() -> Bool {
        let mark = discarded.load(ordering: .sequentiallyConsistent)
        var position = tail.load(ordering: .relaxed)
        guard position < mark else { return false }
        while position < mark {
            let count = min(mark - position, capacity - (position & (capacity - 1)))
            take(count)
            position += count
        }
        return true
    }

    /// The next bytes to deliver, as many as are contiguous, once what was discarded is removed.
    ///
    /// The bytes stay in the ring until `remove`.
    package func readableSpan() -> UnsafeRawBufferPointer {
        let position = tail.load(ordering: .relaxed)
        let start = position & (capacity - 1)
        let count = min(head.load(ordering: .sequentiallyConsistent) - position, capacity - start)
        return UnsafeRawBufferPointer(rebasing: memory.bytes[start..<start + count])
    }

    /// Wipes and removes the first `count` bytes of `readableSpan`, which were delivered.
    package func remove(_ count: Int) {
        take(count)
        delivered.add(count, ordering: .relaxed)
    }

    private func take(_ count: Int) {
        let position = tail.load(ordering: .relaxed)
        let start = position & (capacity - 1)
        precondition(count <= capacity - start)
        wipe(UnsafeMutableRawBufferPointer(rebasing: memory.bytes[start..<start + count]))
        tail.store(position + count, ordering: .sequentiallyConsistent)
    }
}

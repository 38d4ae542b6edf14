// SPDX-License-Identifier: Apache-2.0

package import LinuxPlatform
package import Synchronization

/// A ring of finished bits of one grade, for one producing and one consuming thread.
///
/// The bytes live in locked memory and are zeroed as they leave. Positions only grow; the offset of a position
/// in the memory is its remainder by the capacity. At every moment
/// `tail <= head <= tail + capacity` and `discarded <= head`; each call that could break this traps.
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
        precondition(capacity > 0 && capacity.nonzeroBitCount == 1, "a power of two")
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

    /// Room in the ring, in bytes. Exact for the producer, a recent figure for others.
    package var free: Int {
        let taken = tail.load(ordering: .sequentiallyConsistent)
        return capacity - (head.load(ordering: .relaxed) - taken)
    }

    /// Memory for the next bytes: as much of the free room as is contiguous. Bytes in it are the
    /// producer's until `publish`.
    package func writableSpan() -> UnsafeMutableRawBufferPointer {
        let start = offset(of: head.load(ordering: .relaxed))
        let count = min(free, capacity - start)
        return UnsafeMutableRawBufferPointer(rebasing: memory.bytes[start..<start + count])
    }

    /// Hands the first `count` bytes of `writableSpan` over to the consumer.
    package func publish(_ count: Int) {
        precondition(count >= 0 && count <= free, "bytes are published into free room")
        // Sequentially consistent with the flag of a waiting consumer: see EntropySource.
        head.add(count, ordering: .sequentiallyConsistent)
    }

    /// Makes everything published until now undeliverable. The consumer wipes it.
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
            let count = min(mark - position, capacity - offset(of: position))
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
        let start = offset(of: position)
        let count = min(head.load(ordering: .sequentiallyConsistent) - position, capacity - start)
        return UnsafeRawBufferPointer(rebasing: memory.bytes[start..<start + count])
    }

    /// Wipes and removes the first `count` bytes of `readableSpan`, which were delivered.
    package func remove(_ count: Int) {
        take(count)
        delivered.add(count, ordering: .relaxed)
    }

    private func offset(of position: Int) -> Int { position & (capacity - 1) }

    private func take(_ count: Int) {
        let position = tail.load(ordering: .relaxed)
        let start = offset(of: position)
        precondition(
            count >= 0 && count <= capacity - start
                && count <= head.load(ordering: .sequentiallyConsistent) - position,
            "only contiguous bytes that were published are removed")
        wipe(UnsafeMutableRawBufferPointer(rebasing: memory.bytes[start..<start + count]))
        tail.store(position + count, ordering: .sequentiallyConsistent)
    }
}

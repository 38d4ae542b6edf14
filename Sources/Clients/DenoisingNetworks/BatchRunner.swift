// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import Synchronization

/// Computes a batch in chunks on several threads, each with scratch memory of its own.
///
/// For one thread at a time. The threads live for one call.
final class BatchRunner {
    /// The most images of a chunk.
    let chunk: Int
    private let scratch: [UnsafeMutableBufferPointer<Float>]

    /// - Parameters:
    ///   - threads: the most that compute at once, with the caller's: at least 1.
    ///   - scratchCount: floats of scratch memory for a chunk.
    init(threads: Int, chunk: Int, scratchCount: Int) {
        precondition(threads > 0 && chunk > 0)
        self.chunk = chunk
        scratch = (0..<threads).map { _ in
            let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: scratchCount)
            memory.initialize(repeating: 0)
            return memory
        }
    }

    deinit { for memory in scratch { memory.deallocate() } }

    /// Calls `body` with each chunk of 0..<count, on any of the threads, and returns when all are done.
    func run(count: Int, _ body: (Range<Int>, UnsafeMutableBufferPointer<Float>) -> Void) {
        let chunks = (count + chunk - 1) / chunk
        // Chunks of like size, so that no thread is left with a large last one.
        let size = chunks == 0 ? 1 : (count + chunks - 1) / chunks
        let next = Atomic<Int>(0)
        withoutActuallyEscaping(body) { body in
            let work = SharedWork { memory in
                while true {
                    let start = next.add(1, ordering: .relaxed).oldValue * size
                    guard start < count else { return }
                    body(start..<min(start + size, count), memory)
                }
            }
            // Where the system has no thread to give, the others do the work.
            let workers = scratch.dropFirst().prefix(max(0, chunks - 1)).compactMap { memory in
                let borrowed = Borrowed(memory)
                return try? WorkerThread(name: "network") { work.body(borrowed.memory) }
            }
            work.body(scratch[0])
            for worker in workers { worker.join() }
        }
    }
}

/// Work that is divided among threads while the caller waits.
private struct SharedWork: @unchecked Sendable {
    let body: (UnsafeMutableBufferPointer<Float>) -> Void

    init(_ body: @escaping (UnsafeMutableBufferPointer<Float>) -> Void) { self.body = body }
}

/// Memory of one thread for the length of a call.
private struct Borrowed: @unchecked Sendable {
    let memory: UnsafeMutableBufferPointer<Float>

    init(_ memory: UnsafeMutableBufferPointer<Float>) { self.memory = memory }
}

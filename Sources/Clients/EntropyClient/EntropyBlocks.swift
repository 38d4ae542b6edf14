// SPDX-License-Identifier: Apache-2.0

import CMetrng
import Dispatch
public import EntropyTerms
import Synchronization

/// Blocks of random bytes, one after another, for `for try await`.
///
/// Each iteration of the sequence has a connection of its own, made with its first block. Blocks are read by a thread
/// that no task waits on, and a task that is cancelled stops waiting within a tenth of a second.
///
/// ```swift
/// for try await block in EntropyBlocks(ofCount: 4096) {
///     try await store(block)
/// }
/// ```
public struct EntropyBlocks: AsyncSequence, Sendable {
    /// A block of bytes.
    public typealias Element = [UInt8]

    private let blockBytes: Int
    private let path: String?
    private let grade: Grade
    private let allowsSimulated: Bool

    /// - Parameters:
    ///   - blockBytes: of each block; at least 1.
    ///   - path: of the daemon's entropy socket; nil for METRNG_SOCKET of the environment, or metrngd's usual one.
    ///   - grade: of all bits; `expand` is not offered.
    ///   - allowsSimulated: whether bits that are not random (simulated or replayed) are accepted.
    public init(
        ofCount blockBytes: Int, path: String? = nil, grade: Grade = .full, allowsSimulated: Bool = false
    ) {
        precondition(blockBytes > 0)
        self.blockBytes = blockBytes
        self.path = path
        self.grade = grade
        self.allowsSimulated = allowsSimulated
    }

    /// An iteration with a connection of its own.
    public func makeAsyncIterator() -> Iterator {
        Iterator(
            Reader(blockBytes: blockBytes, path: path, grade: grade, allowsSimulated: allowsSimulated))
    }

    /// Draws one block after another.
    public struct Iterator: AsyncIteratorProtocol {
        private let reader: Reader

        fileprivate init(_ reader: Reader) { self.reader = reader }

        /// The next block; never nil.
        ///
        /// - Throws: `SamplingError`; with the reason `interrupted` when the task is cancelled.
        public mutating func next() async throws(SamplingError) -> [UInt8]? { try await reader.next() }
    }

    /// Draws the blocks of one iteration on a queue of its own.
    fileprivate final class Reader: Sendable {
        private let open: @Sendable (Interruption) throws(SamplingError) -> NoiseSource
        private let blockBytes: Int
        private let interruption = Interruption()
        private let queue = DispatchQueue(label: "metrng.blocks")
        /// Used on the queue only.
        private let source = Mutex<NoiseSource?>(nil)

        init(blockBytes: Int, path: String?, grade: Grade, allowsSimulated: Bool) {
            self.blockBytes = blockBytes
            open = { (interruption) throws(SamplingError) in
                var options = NoiseSource.defaultOptions
                options.interrupted = { Interruption.isRequested($0) }
                options.context = Unmanaged.passUnretained(interruption).toOpaque()
                return try NoiseSource(options, path: path, grade: grade, allowsSimulated: allowsSimulated)
            }
        }

        func next() async throws(SamplingError) -> [UInt8] {
            let result = await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    queue.async { continuation.resume(returning: self.read()) }
                }
            } onCancel: {
                interruption.request()
            }
            return try result.get()
        }

        private func read() -> Result<[UInt8], SamplingError> {
            source.withLock { source in
                do throws(SamplingError) {
                    if source == nil { source = try open(interruption) }
                    var block = [UInt8](repeating: 0, count: blockBytes)
                    try source?.fill(&block)
                    return .success(block)
                } catch {
                    return .failure(error)
                }
            }
        }
    }
}

/// Ends a call of a session that waits, from another thread.
final class Interruption: Sendable {
    private let isRequested = Atomic(false)

    func request() { isRequested.store(true, ordering: .relaxed) }

    /// For `metrng_options.interrupted`.
    static func isRequested(_ context: UnsafeMutableRawPointer?) -> Int32 {
        guard let context else { return 0 }
        let interruption = Unmanaged<Interruption>.fromOpaque(context).takeUnretainedValue()
        return interruption.isRequested.load(ordering: .relaxed) ? 1 : 0
    }
}

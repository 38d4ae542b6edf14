// SPDX-License-Identifier: Apache-2.0

package import LinuxPlatform
package import RecordingFormat
import Synchronization

/// Writes a recording on a thread of its own, so that a caller that hands frames over never waits for a disk.
///
/// Frames wait in memory, of which there is a bounded amount; a frame for which there is no room fails the recording.
/// The thread outlives this object for as long as it takes to write the frames that wait. Any thread may call any
/// member.
package final class RecordingQueue: Sendable {
    /// The most frames that wait, in bytes.
    package static let defaultCapacity = 64 << 20

    private let shared: Shared

    /// Starts the thread, which examines the file and writes the context: see `beginning`.
    ///
    /// - Parameters:
    ///   - file: a regular file that is empty and may be written.
    ///   - capacity: in bytes; rounded up to whole pieces of 1 MiB.
    ///   - calls: the calls that write the file.
    package init(
        _ file: Descriptor, context: RecordingContext, capacity: Int = defaultCapacity,
        calls: FileCalls = .system
    ) throws(SystemError) {
        let shared = Shared(pieces: (capacity + Piece.size - 1) / Piece.size, wakeup: try Wakeup())
        let thread = try WorkerThread(name: "recording") {
            shared.run { () throws(RecordingError) in
                try RecordingWriter(file, context: context, calls: calls)
            }
        }
        thread.detach()
        self.shared = shared
    }

    /// Ends the recording if `end` has not: the frames that wait are written.
    deinit { shared.end { _ in } }

    /// Whether the file can be written; nil while that is not known.
    package var beginning: Result<Void, RecordingError>? { shared.state.withLock { $0.beginning } }

    /// Hands over a whole frame, or several back to back.
    ///
    /// - Throws: `tooSlow` when there is no room; after that, and after frames that could not be written, every call
    ///   throws the same error.
    package func add(_ frames: UnsafeRawBufferPointer) throws(RecordingError) {
        try shared.add(frames)
    }

    /// Ends the recording. Called at most once; nothing is added afterwards.
    ///
    /// - Parameter completion: called on the thread once the frames that wait are written, with the size of the file
    ///   in bytes, or with the reason that they were not. After a failure the frames that wait are dropped.
    package func end(_ completion: @escaping @Sendable (Result<UInt64, RecordingError>) -> Void) {
        shared.end(completion)
    }
}

/// Memory with frames that wait.
private struct Piece: Sendable {
    /// Enough for any frame.
    static let size = (1 << 20) + 4_096

    let memory: LockedMemory
    var count = 0

    var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: memory.bytes[..<count])
    }

    /// Adds frames, if there is room.
    mutating func append(_ frames: UnsafeRawBufferPointer) -> Bool {
        guard count + frames.count <= memory.bytes.count else { return false }
        UnsafeMutableRawBufferPointer(rebasing: memory.bytes[count...]).copyMemory(from: frames)
        count += frames.count
        return true
    }
}

/// The part of a queue that its thread holds.
private final class Shared: Sendable {
    typealias Completion = @Sendable (Result<UInt64, RecordingError>) -> Void

    struct State {
        var beginning: Result<Void, RecordingError>?
        /// The pieces to be written, in their order; the last one may have room.
        var waiting: [Piece] = []
        /// Memory that was written and can be used again.
        var free: [LockedMemory] = []
        /// The pieces that were made so far.
        var made = 0
        var failure: RecordingError?
        /// Not nil once the recording was ended.
        var completion: Completion?
    }

    /// The next thing for the thread to do.
    private enum Step {
        case write(Piece)
        case wait
        case finish(Completion, RecordingError?)
    }

    let state = Mutex(State())
    private let pieces: Int
    private let wakeup: Wakeup

    init(pieces: Int, wakeup: Wakeup) {
        self.pieces = pieces
        self.wakeup = wakeup
    }

    // MARK: Any thread

    func add(_ frames: UnsafeRawBufferPointer) throws(RecordingError) {
        try state.withLock { state throws(RecordingError) in
            if let failure = state.failure { throw failure }
            if let last = state.waiting.indices.last, state.waiting[last].append(frames) { return }
            var piece = Piece(memory: try takeMemory(&state))
            precondition(piece.append(frames), "a piece has room for any frame")
            state.waiting.append(piece)
        }
        wakeup.signal()
    }

    /// Memory for another piece. Fails the recording when there may be no more.
    private func takeMemory(_ state: inout State) throws(RecordingError) -> LockedMemory {
        if let memory = state.free.popLast() { return memory }
        do throws(RecordingError) {
            guard state.made < pieces else {
                throw .tooSlow(waiting: state.waiting.reduce(0) { $0 + $1.count })
            }
            state.made += 1
            do throws(SystemError) {
                return try LockedMemory(count: Piece.size, locked: false)
            } catch {
                throw .system(error)
            }
        } catch {
            state.fail(error)
            throw error
        }
    }

    func end(_ completion: @escaping Completion) {
        state.withLock { state in
            if state.completion == nil { state.completion = completion }
        }
        wakeup.signal()
    }

    // MARK: The thread

    func run(_ makeWriter: () throws(RecordingError) -> RecordingWriter) {
        var writer: RecordingWriter?
        do throws(RecordingError) {
            writer = try makeWriter()
            state.withLock { $0.beginning = .success(()) }
        } catch {
            state.withLock { state in
                state.beginning = .failure(error)
                state.fail(error)
            }
        }
        while true {
            switch nextStep() {
            case .write(let piece): write(piece, with: writer)
            case .wait: wakeup.wait()
            case .finish(let completion, let failure):
                let bytes = writer?.byteCount ?? 0
                // The file is closed here, where nobody waits for it, if nobody else has it open.
                writer = nil
                return completion(failure.map(Result.failure) ?? .success(bytes))
            }
        }
    }

    private func nextStep() -> Step {
        state.withLock { state in
            if !state.waiting.isEmpty { return .write(state.waiting.removeFirst()) }
            guard let completion = state.completion else { return .wait }
            return .finish(completion, state.failure)
        }
    }

    private func write(_ piece: Piece, with writer: RecordingWriter?) {
        guard let writer else { preconditionFailure("nothing waits without a file") }
        do throws(RecordingError) {
            try writer.write(frames: piece.bytes)
            state.withLock { $0.free.append(piece.memory) }
        } catch {
            state.withLock { $0.fail(error) }
        }
    }
}

extension Shared.State {
    /// Fails the recording: nothing more is written.
    fileprivate mutating func fail(_ error: RecordingError) {
        if failure == nil { failure = error }
        waiting = []
        free = []
    }
}

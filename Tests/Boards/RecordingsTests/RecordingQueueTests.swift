// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import RecordingFormat
import Recordings
import Synchronization
import TestSupport
import Testing

@Suite("Recordings that are written by a thread of their own: a disk that stalls, is too slow, or is full")
struct RecordingQueueTests {
    private let directory = TemporaryDirectory()
    private var path: String { directory.file("r") }

    /// A disk that stands still until it is let go.
    private final class StalledDisk: Sendable {
        let isGoing = Flag()
        let calls = FileCallCount()

        var fileCalls: FileCalls {
            FileCalls { [self] file, bytes, offset in
                calls.count.add(1, ordering: .relaxed)
                while !isGoing.isRaised { usleep(500) }
                return pwrite(file, bytes.baseAddress, bytes.count, offset)
            }
        }
    }

    private final class FileCallCount: Sendable {
        let count = Atomic(0)
    }

    /// What a recording came to; nil before.
    private final class Outcome: Sendable {
        private let value = Mutex<Result<UInt64, RecordingError>?>(nil)

        var result: Result<UInt64, RecordingError>? {
            _ = eventually { value.withLock { $0 } != nil }
            return value.withLock { $0 }
        }

        var isKnown: Bool { value.withLock { $0 } != nil }

        func take(_ result: Result<UInt64, RecordingError>) { value.withLock { $0 = result } }
    }

    private func add(_ frames: [[UInt8]], to queue: RecordingQueue) throws {
        for frame in frames { try frame.withUnsafeBytes { try queue.add($0) } }
    }

    private func end(_ queue: RecordingQueue) -> Outcome {
        let outcome = Outcome()
        queue.end { outcome.take($0) }
        return outcome
    }

    @Test("Frames are in the file, in their order, when the end is told")
    func whole() throws {
        let frames = makeFrames(5_000)
        let context = makeContext(starts: .once(shots: 15_000))
        let queue = try RecordingQueue(openForWriting(path), context: context)
        try add(frames, to: queue)
        let size = try end(queue).result?.get()
        #expect(try contents(ofFile: path).count == Int(try #require(size)))
        let reading = Reading(path)
        #expect(reading.error == nil && reading.payloads == payloads(of: frames[...]))
    }

    @Test("While the disk stands still, nobody waits: frames are taken until memory is full, and then it is said")
    func tooSlow() throws {
        let disk = StalledDisk()
        let context = makeContext(starts: .once(shots: 1 << 40))
        let queue = try RecordingQueue(
            openForWriting(path), context: context, capacity: 2 << 20, calls: disk.fileCalls)
        #expect(queue.beginning == nil)
        let frame = makeFrames(1)[0]
        var taken = 0
        let thrown = #expect(throws: RecordingError.self) {
            while taken < 1_000_000 {
                try frame.withUnsafeBytes { try queue.add($0) }
                taken += 1
            }
        }
        let error = try #require(thrown)
        guard case .tooSlow(let waiting) = error else { throw error }
        #expect(waiting == taken * frame.count && (2 << 20...4 << 20).contains(waiting))
        // It stays so.
        #expect(throws: error) { try frame.withUnsafeBytes { try queue.add($0) } }
        let outcome = end(queue)
        #expect(!outcome.isKnown)
        disk.isGoing.raise()
        #expect(outcome.result?.failure == error)
    }

    @Test("A recording whose owner has gone is written to its end")
    func ownerGone() throws {
        let disk = StalledDisk()
        let frames = makeFrames(100)
        let context = makeContext(starts: .once(shots: 300))
        do {
            let queue = try RecordingQueue(
                openForWriting(path), context: context, calls: disk.fileCalls)
            try add(frames, to: queue)
        }
        disk.isGoing.raise()
        #expect(eventually { Reading(path).error == nil })
        #expect(Reading(path).payloads == payloads(of: frames[...]))
    }

    @Test("A file that cannot be used is told at the beginning")
    func wrongFile() throws {
        try write([1], to: path)
        let file = Descriptor(owning: try system("open") { open(path, O_RDWR) })
        let queue = try RecordingQueue(file, context: makeContext())
        #expect(eventually { queue.beginning != nil })
        #expect(throws: RecordingError.notEmpty) { try queue.beginning?.get() }
        #expect(throws: RecordingError.notEmpty) { try add(makeFrames(1), to: queue) }
        #expect(end(queue).result?.failure == .notEmpty)
    }

    @Test("A disk that is full keeps the whole frames that fitted, however many were written at once")
    func full() throws {
        let context = makeContext(starts: .once(shots: 60))
        let limit = 700
        let disk = StalledDisk()
        let calls = FileCalls { file, bytes, offset in
            while !disk.isGoing.isRaised { usleep(500) }
            let room = limit - Int(offset)
            guard room > 0 else {
                errno = ENOSPC
                return -1
            }
            return pwrite(file, bytes.baseAddress, min(room, bytes.count), offset)
        }
        let queue = try RecordingQueue(openForWriting(path), context: context, calls: calls)
        let frames = makeFrames(20)
        try add(frames, to: queue)
        let outcome = end(queue)
        disk.isGoing.raise()
        #expect(outcome.result?.failure == .system(SystemError("write", "the recording", code: ENOSPC)))
        let reading = Reading(path)
        let fitting = reading.payloads.count
        #expect(fitting > 0 && reading.payloads == payloads(of: frames.prefix(fitting)))
        #expect(reading.error == .truncated(byte: UInt64(try contents(ofFile: path).count), shots: UInt64(3 * fitting)))
    }
}

extension Result {
    fileprivate var failure: Failure? {
        guard case .failure(let error) = self else { return nil }
        return error
    }
}

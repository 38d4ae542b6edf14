// SPDX-License-Identifier: Apache-2.0

package import BoardProtocol
import Glibc
import LinuxPlatform
package import RecordingFormat

/// Reads a recording frame by frame, each checked, up to its end or the first damage: what comes after
/// damage is not given. For one thread at a time. It reads the file in large blocks.
package final class RecordingReader {
    /// A whole, checked frame.
    package struct Frame {
        package let header: FrameHeader
        /// The rows of the frame, in the caller's buffer.
        package let payload: UnsafeRawBufferPointer
        /// How many shots are missing before the frame: they were lost on the way to the recorder.
        package let shotsDroppedBefore: UInt64
        /// Which start of the board it is of, from 0.
        package let restart: Int
    }

    package let context: RecordingContext
    /// How many shots the frames given so far hold.
    package private(set) var shots: UInt64 = 0

    private var blocks: FileBlocks
    /// Where the next frame begins, in bytes.
    private var position: UInt64
    private var order = FrameOrder()
    private var restart = 0
    private var shotsOfRestart: UInt64 = 0
    private var failure: RecordingError?

    /// Opens a recording and reads its context.
    ///
    /// - Parameter calls: the calls that read the file.
    package init(path: String, calls: FileCalls = .system) throws(RecordingError) {
        let file: Descriptor
        do throws(SystemError) {
            // Not waiting: a pipe without a writer would keep the call, and is refused afterwards.
            file = Descriptor(
                owning: try system("open", path) {
                    open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
                })
        } catch {
            throw .system(error)
        }
        _ = try regularFileSize(of: file)
        var blocks: FileBlocks
        let start: [UInt8]
        do throws(SystemError) {
            blocks = try FileBlocks(file, calls: calls)
            start = Array(try blocks.bytes(at: 0, count: RecordingPreamble.byteLimit))
        } catch {
            throw .system(error)
        }
        let parsed = try RecordingPreamble.parse(start)
        self.blocks = blocks
        context = parsed.context
        position = UInt64(parsed.byteCount)
    }

    /// How large a buffer `next` needs, in bytes.
    package var bufferCount: Int { FrameHeader.byteCount + context.board.maximumPayload }

    /// The next frame, in `buffer`; nil at the end. An error is thrown again by every further call.
    package func next(
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(RecordingError) -> Frame? {
        if let failure { throw failure }
        do throws(RecordingError) {
            return try read(into: buffer)
        } catch {
            failure = error
            throw error
        }
    }

    private func read(
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(RecordingError) -> Frame? {
        let headerRoom = UnsafeMutableRawBufferPointer(rebasing: buffer[..<FrameHeader.byteCount])
        let headerCount = try readAll(into: headerRoom, at: position)
        guard !isComplete else {
            if headerCount == 0 { return nil }
            throw damaged(.surplus)
        }
        guard headerCount == FrameHeader.byteCount else { throw truncated(headerCount) }
        guard let header = try? FrameHeader(parsing: UnsafeRawBufferPointer(headerRoom)) else {
            throw damaged(.header)
        }
        guard fits(header) else { throw damaged(.shape) }
        let payload = UnsafeMutableRawBufferPointer(
            rebasing: buffer[FrameHeader.byteCount..<FrameHeader.byteCount + header.payloadCount])
        let payloadCount = try readAll(into: payload, at: position + UInt64(headerCount))
        guard payloadCount == payload.count else { throw truncated(headerCount + payloadCount) }
        let frame = UnsafeRawBufferPointer(rebasing: buffer[..<(headerCount + payloadCount)])
        guard FrameHeader.checksumHolds(for: frame) else { throw damaged(.checksum) }
        return try accept(header, UnsafeRawBufferPointer(payload))
    }

    private func fits(_ header: FrameHeader) -> Bool {
        Int(header.wordsPerShot) == context.board.wordsPerShot
            && header.payloadCount <= context.board.maximumPayload
            && header.flags.contains(.toggleEncoded) == (context.board.encoding == .toggles)
            && !header.flags.contains(.pattern)
    }

    /// Checks the order of a whole frame, and goes on to the next.
    private func accept(
        _ header: FrameHeader, _ payload: UnsafeRawBufferPointer
    ) throws(RecordingError) -> Frame {
        if isStartComplete {
            restart += 1
            shotsOfRestart = 0
            order = FrameOrder()
        }
        let begins = shotsOfRestart == 0 && context.starts.count > 1
        guard let dropped = order.admit(header), !begins || header.sequence == 0 else {
            throw damaged(.order)
        }
        shots += UInt64(header.shots)
        shotsOfRestart += UInt64(header.shots)
        position += UInt64(FrameHeader.byteCount + header.payloadCount)
        return Frame(
            header: header, payload: payload, shotsDroppedBefore: dropped, restart: restart)
    }

    /// Whether the recording ends here.
    private var isComplete: Bool { restart == context.starts.count - 1 && isStartComplete }

    private var isStartComplete: Bool { shotsOfRestart >= UInt64(context.starts.shots) }

    private func damaged(_ damage: RecordingError.Damage) -> RecordingError {
        .damaged(byte: position, shots: shots, damage)
    }

    private func truncated(_ count: Int) -> RecordingError {
        .truncated(byte: position + UInt64(count), shots: shots)
    }

    /// Reads until `buffer` is full or the file ends.
    ///
    /// - Returns: how many bytes were read.
    private func readAll(
        into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
    ) throws(RecordingError) -> Int {
        do throws(SystemError) {
            let bytes = try blocks.bytes(at: offset, count: buffer.count)
            buffer.copyMemory(from: bytes)
            return bytes.count
        } catch {
            throw .system(error)
        }
    }
}

/// A file that is read in large blocks, mostly from its beginning to its end.
private struct FileBlocks {
    /// In bytes: more than a frame, and than the text before the frames.
    private static let size = 2 << 20

    private let file: Descriptor
    private let calls: FileCalls
    private let memory: LockedMemory
    /// The place in the file of the bytes in memory, and their number.
    private var start: UInt64 = 0
    private var count = 0

    init(_ file: Descriptor, calls: FileCalls) throws(SystemError) {
        self.file = file
        self.calls = calls
        memory = try LockedMemory(count: Self.size, locked: false)
    }

    /// The bytes at a place, fewer at the end of the file. They are valid until the next call.
    mutating func bytes(at offset: UInt64, count wanted: Int) throws(SystemError) -> UnsafeRawBufferPointer {
        precondition(wanted <= Self.size)
        if offset < start || offset + UInt64(wanted) > start + UInt64(count) {
            try fill(from: offset, atLeast: wanted)
        }
        let first = Int(offset - start)
        return UnsafeRawBufferPointer(
            rebasing: memory.bytes[first..<min(count, first + wanted)])
    }

    private mutating func fill(from offset: UInt64, atLeast wanted: Int) throws(SystemError) {
        (start, count) = (offset, 0)
        while count < wanted {
            let room = UnsafeMutableRawBufferPointer(rebasing: memory.bytes[count...])
            let got = try system("read", "the recording") {
                calls.read(file.raw, room, off_t(offset) + off_t(count))
            }
            guard got > 0 else { return }
            count += got
        }
    }
}

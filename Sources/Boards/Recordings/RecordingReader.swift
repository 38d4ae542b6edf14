// SPDX-License-Identifier: Apache-2.0

package import BoardProtocol
import Glibc
import LinuxPlatform
package import RecordingFormat

/// Reads a recording frame by frame, each checked, up to its end or the first damage: what comes after
/// damage is not given. For one thread at a time. It holds no frame itself.
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

    private let file: Descriptor
    /// Where the next frame begins, in bytes.
    private var position: UInt64
    private var order = FrameOrder()
    private var restart = 0
    private var shotsOfRestart: UInt64 = 0
    private var failure: RecordingError?

    /// Opens a recording and reads its context.
    package init(path: String) throws(RecordingError) {
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
        var start = [UInt8](repeating: 0, count: RecordingPreamble.byteLimit)
        let count = try start.withUnsafeMutableBytes { bytes in
            Result { () throws(RecordingError) in try readAll(into: bytes, from: file, at: 0) }
        }.get()
        let parsed = try RecordingPreamble.parse(Array(start[..<count]))
        self.file = file
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
        let headerCount = try readAll(into: headerRoom, from: file, at: position)
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
        let payloadCount = try readAll(
            into: payload, from: file, at: position + UInt64(headerCount))
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
}

/// Reads until `buffer` is full or the file ends.
///
/// - Returns: how many bytes were read.
private func readAll(
    into buffer: UnsafeMutableRawBufferPointer, from file: Descriptor, at offset: UInt64
) throws(RecordingError) -> Int {
    var done = 0
    while done < buffer.count {
        let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
        do throws(SystemError) {
            let count = try system("read", "the recording") {
                pread(file.raw, rest.baseAddress, rest.count, off_t(offset) + done)
            }
            if count == 0 { return done }
            done += count
        } catch {
            throw .system(error)
        }
    }
    return done
}

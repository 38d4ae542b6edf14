// SPDX-License-Identifier: Apache-2.0

package import BoardProtocol
package import Glibc
package import LinuxPlatform
package import RecordingFormat

/// Writes a recording: the context, then whole frames as they came.
///
/// For one thread at a time. A call costs a write and no allocation. The writer does not know how many shots are
/// requested: its caller stops after the frame with the last of them, so that a recording may hold up to a frame's
/// shots more than requested.
package final class RecordingWriter {
    private let file: Descriptor
    private let calls: FileCalls
    /// How many shots were written.
    package private(set) var shots: UInt64 = 0
    /// How many bytes the file has, the context among them.
    package private(set) var byteCount: UInt64 = 0

    /// Writes the context.
    ///
    /// - Parameters:
    ///   - file: a regular file that is empty and may be written.
    ///   - calls: the calls that write the file.
    /// - Throws: `notARegularFile`, `notEmpty`, `notRecordable`, `system`.
    package init(
        _ file: Descriptor, context: RecordingContext, calls: FileCalls = .system
    ) throws(RecordingError) {
        guard try regularFileSize(of: file) == 0 else { throw .notEmpty }
        self.file = file
        self.calls = calls
        let preamble = try RecordingPreamble.bytes(of: context)
        try preamble.withUnsafeBytes { bytes in
            Result { () throws(RecordingError) in
                try append(bytes) { $0 == bytes.count ? $0 : 0 }
            }
        }.get()
    }

    /// Writes a frame: see `write(frames:)`.
    package func write(_ frame: FrameReader.Frame) throws(RecordingError) {
        try write(frames: frame.bytes)
    }

    /// Writes frames that follow one another.
    ///
    /// - Throws: `system`, as when the disk is full. The frames that were written whole stay in the file, and nothing
    ///   of the next one.
    package func write(frames: UnsafeRawBufferPointer) throws(RecordingError) {
        try append(frames) { written in
            let (bytes, shots) = wholeFrames(in: UnsafeRawBufferPointer(rebasing: frames[..<written]))
            self.shots += shots
            return bytes
        }
    }

    /// - Parameter whole: how much to keep of the bytes that were written, by their number.
    private func append(
        _ bytes: UnsafeRawBufferPointer, keeping whole: (Int) -> Int
    ) throws(RecordingError) {
        var done = 0
        do throws(SystemError) {
            while done < bytes.count {
                done += try system("write", "the recording") {
                    calls.write(
                        file.raw, UnsafeRawBufferPointer(rebasing: bytes[done...]),
                        off_t(byteCount) + off_t(done))
                }
            }
            byteCount += UInt64(whole(done))
        } catch {
            byteCount += UInt64(whole(done))
            ftruncate(file.raw, off_t(byteCount))
            throw .system(error)
        }
    }
}

/// The calls by which a file is written and read; a test replaces them to be a disk.
package struct FileCalls: Sendable {
    /// pwrite(2).
    let write: @Sendable (Int32, UnsafeRawBufferPointer, off_t) -> Int
    /// pread(2).
    let read: @Sendable (Int32, UnsafeMutableRawBufferPointer, off_t) -> Int

    package init(
        write: @escaping @Sendable (Int32, UnsafeRawBufferPointer, off_t) -> Int = {
            pwrite($0, $1.baseAddress, $1.count, $2)
        },
        read: @escaping @Sendable (Int32, UnsafeMutableRawBufferPointer, off_t) -> Int = {
            pread($0, $1.baseAddress, $1.count, $2)
        }
    ) {
        self.write = write
        self.read = read
    }

    package static let system = FileCalls()
}

/// The bytes of the whole frames that `bytes` begins with, and their shots.
private func wholeFrames(in bytes: UnsafeRawBufferPointer) -> (bytes: Int, shots: UInt64) {
    var (end, shots) = (0, UInt64(0))
    while bytes.count - end >= FrameHeader.byteCount {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[end...])
        guard
            let header = try? FrameHeader(
                parsing: UnsafeRawBufferPointer(rebasing: rest[..<FrameHeader.byteCount])),
            FrameHeader.byteCount + header.payloadCount <= rest.count
        else { break }
        end += FrameHeader.byteCount + header.payloadCount
        shots += UInt64(header.shots)
    }
    return (end, shots)
}

/// Writes all of `bytes`, however many calls that takes.
///
func writeAll(
    _ bytes: UnsafeRawBufferPointer, to file: Descriptor, _ name: StaticString
) throws(SystemError) {
    var done = 0
    while done < bytes.count {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
        done += try system("write", "\(name)") { write(file.raw, rest.baseAddress, rest.count) }
    }
}

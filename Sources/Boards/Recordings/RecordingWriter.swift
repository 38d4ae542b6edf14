// SPDX-License-Identifier: Apache-2.0

package import BoardProtocol
import Glibc
package import LinuxPlatform
package import RecordingFormat

/// Writes a recording: the context, then whole frames as they came.
///
/// For one thread at a time. A frame costs a write and no allocation. The writer does not know how
/// many shots are wanted: whoever does stops after the frame with the last of them, so that a
/// recording may hold up to a frame's shots more than were asked for.
package final class RecordingWriter {
    private let file: Descriptor
    /// How many shots were written.
    package private(set) var shots: UInt64 = 0
    /// How many bytes the file has, the context among them.
    package private(set) var byteCount: UInt64 = 0

    /// Writes the context.
    ///
    /// - Parameter file: a regular file that is empty and may be written.
    /// - Throws: `notARegularFile`, `notEmpty`, `notRecordable`, `system`.
    package init(
        _ file: Descriptor, context: RecordingContext
    ) throws(RecordingError) {
        guard try regularFileSize(of: file) == 0 else { throw .notEmpty }
        self.file = file
        let preamble = try RecordingPreamble.bytes(of: context)
        try preamble.withUnsafeBytes { bytes in
            Result { () throws(RecordingError) in try append(bytes) }
        }.get()
    }

    /// Writes a frame.
    ///
    /// - Throws: `system`, as when the disk is full. Nothing of the frame is left in the file then: what
    ///   was written before is a whole recording.
    package func write(_ frame: FrameReader.Frame) throws(RecordingError) {
        try append(frame.bytes)
        shots += UInt64(frame.header.shots)
    }

    private func append(_ bytes: UnsafeRawBufferPointer) throws(RecordingError) {
        do throws(SystemError) {
            try writeAll(bytes, to: file, at: byteCount, "the recording")
            byteCount += UInt64(bytes.count)
        } catch {
            ftruncate(file.raw, off_t(byteCount))
            throw .system(error)
        }
    }
}

/// Writes all of `bytes`, however many calls that takes.
///
/// - Parameter offset: where in a regular file; nil for wherever the descriptor is.
func writeAll(
    _ bytes: UnsafeRawBufferPointer, to file: Descriptor, at offset: UInt64? = nil,
    _ name: StaticString
) throws(SystemError) {
    var done = 0
    while done < bytes.count {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
        let count = try system("write", "\(name)") {
            if let offset {
                return pwrite(file.raw, rest.baseAddress, rest.count, off_t(offset) + done)
            }
            return write(file.raw, rest.baseAddress, rest.count)
        }
        done += count
    }
}

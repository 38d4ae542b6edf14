// SPDX-License-Identifier: Apache-2.0

import Glibc
package import LinuxPlatform

/// Why a recording cannot be read on, or written. Places are counted in bytes from the start of the
/// file, shots from the start of the recording; everything before the place was good.
package enum RecordingError: Error, Equatable, CustomStringConvertible {
    /// The file cannot be opened, read or written.
    case system(SystemError)
    /// It is a directory, a device, a pipe or a socket.
    case notARegularFile
    /// The file to be written has something in it.
    case notEmpty
    /// Its first line is another.
    case notARecording
    /// It was written by another metrng.
    case otherVersion(String)
    /// The context is not what was written.
    case contextDamaged
    /// The context to be written is impossible, for the reason given.
    case notRecordable(String)
    /// The disk takes frames more slowly than they come; this many bytes of them waited.
    case tooSlow(waiting: Int)
    /// The frame that begins there is not what was written.
    case damaged(byte: UInt64, shots: UInt64, Damage)
    /// The file ends there, in the middle of a frame or before all that was wanted.
    case truncated(byte: UInt64, shots: UInt64)

    /// What is wrong with a frame.
    package enum Damage: Sendable, Equatable {
        /// It has no header that can be used.
        case header
        /// It is not of the board in the context.
        case shape
        case checksum
        /// It does not follow the frame before.
        case order
        /// It comes after the last shot that was wanted.
        case surplus

        fileprivate var text: String {
            switch self {
            case .header: "no frame header"
            case .shape: "a frame of another board"
            case .checksum: "wrong checksum"
            case .order: "a frame out of order"
            case .surplus: "more data than the recording should hold, perhaps another recording"
            }
        }
    }

    package var description: String {
        switch self {
        case .system(let error): "\(error)"
        case .notARegularFile: "not a regular file"
        case .notEmpty: "the file is not empty"
        case .notARecording: "not a recording of metrng"
        case .otherVersion(let version):
            "a recording of version \(version); this program reads version "
                + RecordingPreamble.version
        case .contextDamaged: "the context of the recording is damaged"
        case .notRecordable(let reason): "cannot be recorded: \(reason)"
        case .tooSlow(let waiting):
            "the disk is too slow: \(waiting >> 20) MiB waited to be written"
        case .damaged(let byte, let shots, let damage):
            "damaged at byte \(byte), after \(shots) good shots: \(damage.text)"
        case .truncated(let byte, let shots):
            "truncated at byte \(byte), after \(shots) good shots"
        }
    }
}

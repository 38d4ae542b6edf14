// SPDX-License-Identifier: Apache-2.0

/// The reason that a file of weights cannot be used. `description` says what is wrong with which file, and what to do.
public struct ModelError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong.
    public enum Cause: Equatable, Sendable {
        /// The system's reason that it cannot be read.
        case unreadable(String)
        /// It has more bytes than any file of this kind.
        case tooLarge(limit: Int)
        /// It is no file of safetensors, or not a whole one.
        case damaged(SafetensorsDefect)
        /// It is a file of safetensors, but not what is wanted here.
        case unfit(String)
        /// Its SHA-256 is not that of the file that this version measures with.
        case changed(wanted: String, found: String)
    }

    /// The file.
    public let path: String
    /// What is wrong.
    public let cause: Cause

    /// An error of a file.
    public init(path: String, cause: Cause) {
        self.path = path
        self.cause = cause
    }

    /// What is wrong, and the next thing to try.
    public var description: String {
        switch cause {
        case .unreadable(let reason):
            "cannot read \(path): \(reason); check the path and METRNG_MODELS"
        case .tooLarge(let limit):
            "\(path) has more than \(limit) bytes, the most that a file of this kind has; is it the right file?"
        case .damaged(let defect):
            "\(path) is no valid file of safetensors: \(defect); copy or train it again"
        case .unfit(let reason):
            "\(path) does not fit: \(reason); docs/models.md describes the files"
        case .changed(let wanted, let found):
            "\(path) is not the file that distances are measured with: its SHA-256 is \(found), not \(wanted);"
                + " restore the file of this version"
        }
    }
}

/// What is wrong with bytes that should be a file of safetensors.
public enum SafetensorsDefect: Error, Equatable, Sendable, CustomStringConvertible {
    /// It has fewer than the eight bytes of the header's length.
    case tooShort
    /// The header's length goes beyond the file or the limit.
    case headerLength(UInt64)
    /// The header is no JSON of the kind wanted, from this byte on.
    case header(byte: Int, wanted: String)
    /// Two tensors, two members of a tensor or two metadata have one name.
    case duplicate(String)
    /// A tensor lacks a member, or has one that does not belong there.
    case member(tensor: String, member: String)
    /// A tensor has a type that is not known here.
    case type(tensor: String, type: String)
    /// The number of bytes of a tensor's shape is zero, or too large to count.
    case shape(tensor: String)
    /// A tensor's bytes end before they begin, or beyond the data.
    case offsets(tensor: String)
    /// A tensor has more or fewer bytes than its shape.
    case size(tensor: String, shape: Int, found: Int)
    /// The bytes of a tensor overlap those of another, or leave a hole before them.
    case gap(tensor: String)
    /// There are bytes after those of all tensors.
    case excess(bytes: Int)
    /// A value is not finite.
    case notFinite(tensor: String)

    /// What is wrong, in words.
    public var description: String {
        switch self {
        case .tooShort: "it is shorter than 8 bytes"
        case .headerLength(let count): "its header would have \(count) bytes, more than there are or are allowed"
        case .header(let byte, let wanted): "its header has no \(wanted) at byte \(byte)"
        case .duplicate(let name): "its header has \"\(name)\" twice"
        case .member(let tensor, let member):
            "the member \"\(member)\" of the tensor \"\(tensor)\" is missing or unknown"
        case .type(let tensor, let type): "the tensor \"\(tensor)\" is of the unknown type \"\(type)\""
        case .shape(let tensor): "the shape of the tensor \"\(tensor)\" has no elements or too many"
        case .offsets(let tensor): "the offsets of the tensor \"\(tensor)\" are not in order, or beyond the data"
        case .size(let tensor, let shape, let found):
            "the tensor \"\(tensor)\" has \(found) bytes, and its shape \(shape)"
        case .gap(let tensor): "the bytes of the tensor \"\(tensor)\" do not follow those of the one before it"
        case .excess(let bytes): "\(bytes) bytes belong to no tensor"
        case .notFinite(let tensor): "the tensor \"\(tensor)\" has a value that is not finite"
        }
    }
}

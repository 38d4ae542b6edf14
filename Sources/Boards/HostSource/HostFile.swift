// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import Glibc
import LinuxPlatform

/// A character device or FIFO that is open for reading, without waiting. It is closed with its last owner; a terminal
/// has its earlier settings then.
final class HostFile {
    enum Kind {
        case device
        /// Ends when its last writer goes, and goes on with the next one.
        case fifo
    }

    let kind: Kind
    let descriptor: Descriptor
    /// Makes a terminal raw for as long as this is there; nil for anything else.
    private let rawTerminal: RawTerminal?

    init(path: String) throws(BoardError) {
        do throws(SystemError) {
            var status = stat()
            // Looked at first: opening a socket fails with a reason that says nothing.
            try system("examine", path) { stat(path, &status) }
            guard Self.kind(of: status) != nil else {
                throw SystemError("open", path, code: EINVAL)
            }
            descriptor = Descriptor(
                owning: try system("open", path) {
                    open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
                })
            try system("examine", path) { [descriptor] in fstat(descriptor.raw, &status) }
            guard let kind = Self.kind(of: status) else {
                throw SystemError("open", path, code: EINVAL)
            }
            self.kind = kind
            rawTerminal = try RawTerminal(descriptor, path: path)
        } catch {
            throw BoardError(error)
        }
    }

    private static func kind(of status: stat) -> Kind? {
        switch status.st_mode & S_IFMT {
        case S_IFCHR: .device
        case S_IFIFO: .fifo
        default: nil
        }
    }
}

extension BoardError {
    /// The reason why a file of the host gives nothing.
    init(_ error: SystemError) {
        self =
            switch error.code {
            case EACCES, EPERM: .notPermitted("\(error)")
            case EINVAL: .unsupported("\(error.subject) is neither a character device nor a FIFO")
            case ENOENT, ENOTDIR, EIO, ENODEV, ENXIO: .absent("\(error)")
            default: .stalled("\(error)")
            }
    }
}

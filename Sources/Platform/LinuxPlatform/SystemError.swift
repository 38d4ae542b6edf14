// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A system call that failed: what was tried, on what, and the reason the kernel gave.
package struct SystemError: Error, Equatable, CustomStringConvertible {
    /// What was tried, as a verb phrase: "listen on", "lock".
    package let operation: String
    /// The path or thing it was tried on; empty when there is none to name.
    package let subject: String
    /// The value of `errno`.
    package let code: Int32

    package init(_ operation: String, _ subject: String = "", code: Int32) {
        self.operation = operation
        self.subject = subject
        self.code = code
    }

    package var description: String {
        let target = subject.isEmpty ? "" : " \(subject)"
        return "cannot \(operation)\(target): \(reason)"
    }

    /// The kernel's reason in words.
    package var reason: String { String(cString: strerror(code)) }

    /// What to do about the place of a file that could not be made, opened or written; nil when the place is
    /// not the reason.
    package var placeRemedy: String? {
        switch code {
        case ENOENT, ENOTDIR: "create the directory"
        case EACCES, EPERM: "give this user write access to the directory"
        case EROFS: "make it writable: mount -o remount,rw, or ReadWritePaths= of the unit"
        case ENOSPC, EDQUOT: "free space on its file system"
        default: nil
        }
    }
}

/// Runs a system call, again when a signal interrupted it, and throws when it fails.
///
/// `call` returns -1 with `errno` set on failure, as C calls do.
@discardableResult
package func system<Result: FixedWidthInteger & SignedInteger>(
    _ operation: String, _ subject: @autoclosure () -> String = "", _ call: () -> Result
) throws(SystemError) -> Result {
    while true {
        let result = call()
        if result >= 0 { return result }
        let code = errno
        if code == EINTR { continue }
        throw SystemError(operation, subject(), code: code)
    }
}

/// What a transfer on a non-blocking descriptor came to.
package enum Transfer: Equatable {
    /// This many bytes moved; at least one.
    case moved(Int)
    /// Nothing can move now; ask the poll to tell when.
    case wouldBlock
    /// The peer has closed, or the connection broke.
    case ended
}

/// Classifies the result of `read`, `recv`, `write` or `send` on a socket.
///
/// Every error other than "try again" means that the connection is of no use any more, so they all
/// read as `.ended`: the peer of a local socket cannot make any other distinction matter.
package func transfer(_ call: () -> Int) -> Transfer {
    while true {
        let count = call()
        if count > 0 { return .moved(count) }
        if count == 0 { return .ended }
        switch errno {
        case EINTR: continue
        case EAGAIN: return .wouldBlock
        default: return .ended
        }
    }
}

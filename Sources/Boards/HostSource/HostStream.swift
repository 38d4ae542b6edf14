// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import Glibc
import LinuxPlatform

/// An open device or FIFO, read without waiting in the kernel. For one thread.
final class HostStream {
    private enum Kind {
        case device
        /// Ends when its last writer goes, and goes on with the next one.
        case fifo
    }

    /// How long to rest, in milliseconds, when there is nothing and the kernel cannot say when there
    /// will be: a FIFO that nobody has open for writing, or a device that does not know polling.
    private static let rest: Int32 = 20

    private let path: String
    private let kind: Kind
    private let file: Descriptor
    private let wakeup: Wakeup

    init(path: String, wakeup: Wakeup) throws(BoardError) {
        self.path = path
        self.wakeup = wakeup
        do throws(SystemError) {
            var status = stat()
            // Looked at first: opening a socket fails with a reason that says nothing.
            try system("examine", path) { stat(path, &status) }
            guard Self.kind(of: status) != nil else {
                throw SystemError("open", path, code: EINVAL)
            }
            let file = Descriptor(
                owning: try system("open", path) {
                    open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
                })
            try system("examine", path) { fstat(file.raw, &status) }
            guard let kind = Self.kind(of: status) else {
                throw SystemError("open", path, code: EINVAL)
            }
            (self.file, self.kind) = (file, kind)
        } catch {
            throw Self.boardError(error)
        }
    }

    private static func kind(of status: stat) -> Kind? {
        switch status.st_mode & S_IFMT {
        case S_IFCHR: .device
        case S_IFIFO: .fifo
        default: nil
        }
    }

    private static func boardError(_ error: SystemError) -> BoardError {
        switch error.code {
        case EACCES, EPERM: .notPermitted("\(error)")
        case EINVAL: .unsupported("\(error.subject) is neither a character device nor a FIFO")
        case ENOENT, ENOTDIR, EIO, ENODEV, ENXIO: .absent("\(error)")
        default: .stalled("\(error)")
        }
    }

    /// Waits until `buffer` holds at least that many bytes, and reads whatever else is available at that moment.
    ///
    /// - Parameter start: how many bytes are in `buffer` already.
    /// - Returns: how many bytes are in it now; fewer than `enough` when the time went by, or the
    ///   wake-up was signalled.
    func fill(
        _ buffer: UnsafeMutableRawBufferPointer, from start: Int, atLeast enough: Int,
        milliseconds: Int32
    ) throws(BoardError) -> Int {
        wakeup.clear()
        let end = monotonicNanoseconds() + UInt64(max(0, milliseconds)) * 1_000_000
        var count = start
        var wasReady = false
        while true {
            let before = count
            count = try readAll(buffer, from: count, hasEnough: enough)
            if count >= enough { return count }
            let now = monotonicNanoseconds()
            guard now < end else { return count }
            let left = Int32(clamping: (end - now + 999_999) / 1_000_000)
            // Ready, and yet nothing there: the kernel cannot tell.
            if wasReady && count == before {
                if wakeup.wait(milliseconds: min(left, Self.rest)) { return count }
                wasReady = false
                continue
            }
            switch wait(milliseconds: left) {
            case .interrupted: return count
            case .ready: wasReady = true
            case .timedOut: wasReady = false
            }
        }
    }

    /// Reads what there is now, as far as there is room.
    private func readAll(
        _ buffer: UnsafeMutableRawBufferPointer, from start: Int, hasEnough enough: Int
    ) throws(BoardError) -> Int {
        var count = start
        while count < buffer.count {
            let room = UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
            do throws(SystemError) {
                let got = try system("read", path) { read(file.raw, room.baseAddress, room.count) }
                if got == 0 { break }
                count += got
            } catch  where error.code == EAGAIN {
                return count
            } catch {
                // What came before the failure is given; the next call meets it again.
                if count >= enough { return count }
                throw Self.boardError(error)
            }
        }
        guard count < enough, kind == .device else { return count }
        throw .absent("\(path) has reached its end")
    }

    private enum Wait {
        case ready
        case interrupted
        case timedOut
    }

    private func wait(milliseconds: Int32) -> Wait {
        let watched = (file.raw, wakeup.descriptor.raw)
        return withUnsafeTemporaryAllocation(of: pollfd.self, capacity: 2) { requests in
            requests.initializeElement(
                at: 0, to: pollfd(fd: watched.0, events: Int16(POLLIN), revents: 0))
            requests.initializeElement(
                at: 1, to: pollfd(fd: watched.1, events: Int16(POLLIN), revents: 0))
            guard poll(requests.baseAddress, 2, milliseconds) > 0 else { return .timedOut }
            return requests[1].revents != 0 ? .interrupted : .ready
        }
    }
}

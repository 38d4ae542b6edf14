// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import Glibc
import LinuxPlatform

/// An open device or FIFO, read without waiting in the kernel. For one thread.
///
/// A terminal is raw while it is open, so that all bytes arrive as they were sent and none is echoed into the device.
final class HostStream {
    /// Why there was nothing at the last look.
    enum Silence {
        /// The source has sent nothing yet, or not enough.
        case nothingSent
        /// No program has the FIFO open for writing.
        case noWriter
    }

    /// How long to rest, in milliseconds, when there is nothing and the kernel cannot say when there
    /// will be: a device that does not know polling.
    private static let rest: Int32 = 20

    private let path: String
    private var file: HostFile
    private let wakeup: Wakeup
    private(set) var silence = Silence.nothingSent

    init(path: String, wakeup: Wakeup) throws(BoardError) {
        self.path = path
        self.wakeup = wakeup
        file = try HostFile(path: path)
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
                let got = try system("read", path) {
                    read(file.descriptor.raw, room.baseAddress, room.count)
                }
                if got == 0 { break }
                count += got
            } catch  where error.code == EAGAIN {
                silence = .nothingSent
                return count
            } catch {
                // What came before the failure is given; the next call meets it again.
                if count >= enough { return count }
                throw BoardError(error)
            }
        }
        guard count < enough else { return count }
        try endOfFile()
        // Part of a shot that nobody will finish: the next writer begins with one of its own.
        wipe(UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]))
        return 0
    }

    /// Goes on after a read that found the end of the file.
    private func endOfFile() throws(BoardError) {
        guard file.kind == .fifo else { throw .absent("\(path) has reached its end") }
        silence = .noWriter
        // The file is opened once more before it is closed, so that what a next writer sends is not lost. The new
        // descriptor polls readable once there is a writer, the old one ever since the last writer went. And the FIFO
        // may be another one, which a program put in the place of this.
        file = try HostFile(path: path)
    }

    private enum Wait {
        case ready
        case interrupted
        case timedOut
    }

    private func wait(milliseconds: Int32) -> Wait {
        let watched = (file.descriptor.raw, wakeup.descriptor.raw)
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

// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import Glibc
import USBBoard

/// Reads a board as the daemon does, and does nothing with the bytes: the part of the cable alone.
///
///     cable-reader MEBIBYTES
///
/// Prints bytes, seconds, and seconds of CPU in a line.
@main
struct CableReader {
    static func main() throws {
        guard CommandLine.arguments.count == 2, let wanted = Int(CommandLine.arguments[1]) else {
            exit(64)
        }
        var settings = USBBoardSettings()
        settings.expectsSimulated = true
        let board = try USBBoard(settings, locked: true)
        let description = try board.open()
        try board.start()
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: FrameReader.bufferCount(maximumPayload: description.maximumPayload),
            alignment: 64)
        defer { buffer.deallocate() }
        var received = 0
        let (began, busy) = (seconds(CLOCK_MONOTONIC), seconds(CLOCK_PROCESS_CPUTIME_ID))
        while received < wanted << 20 {
            received += try board.read(into: buffer, milliseconds: 500)
        }
        let (took, used) = (
            seconds(CLOCK_MONOTONIC) - began, seconds(CLOCK_PROCESS_CPUTIME_ID) - busy
        )
        print("\(received) bytes \(took) s \(used) s CPU")
        board.stop()
        board.close()
    }

    private static func seconds(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}

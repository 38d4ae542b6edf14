// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import CFuzzDriver
import Glibc
import LinuxPlatform
import RecordingFormat
import Recordings

extension FuzzTarget {
    /// Recordings: `RecordingPreamble` and `RecordingReader`, for the file as it is and with all its
    /// checksums made right.
    static let recording = FuzzTarget("recording") { bytes in
        let whole = Array(bytes)
        check(whole)
        let repaired = repairingPreamble(whole)
        let start = (try? RecordingPreamble.parse(repaired).byteCount) ?? repaired.count
        check(repaired.withUnsafeBytes { repairingChecksums($0, from: start) })
    }

    private static func check(_ bytes: [UInt8]) {
        checkPreamble(bytes)
        file.setContents(bytes)
        RecordingWalk(bytes, path: file.path).run()
    }

    private static let file = MemoryFile()
}

/// A regular file that is in memory only.
private final class MemoryFile: Sendable {
    private let descriptor: Descriptor

    init() {
        do {
            descriptor = Descriptor(
                owning: try system("make a file in memory") {
                    cfuzz_file_in_memory()
                })
        } catch {
            fatalError("\(error)")
        }
    }

    var path: String { "/proc/self/fd/\(descriptor.raw)" }

    func setContents(_ bytes: [UInt8]) {
        guard ftruncate(descriptor.raw, 0) == 0,
            pwrite(descriptor.raw, bytes, bytes.count, 0) == bytes.count
        else { fatalError("cannot write a file in memory: \(errno)") }
    }
}

/// The bytes with the checksum of the context made right; the bytes themselves where there is none.
private func repairingPreamble(_ bytes: [UInt8]) -> [UInt8] {
    let lines = bytes.split(separator: 10, maxSplits: 2, omittingEmptySubsequences: false)
    let closing = Array(#","crc32c":"00000000"}"#.utf8)
    let opening = Array(#"{"context":"#.utf8)
    guard lines.count == 3, lines[1].count > opening.count + closing.count else { return bytes }
    let context = lines[1].dropFirst(opening.count).dropLast(closing.count)
    let digits = String(RecordingPreamble.checksum(of: Array(context)), radix: 16)
    let padded = String(repeating: "0", count: 8 - digits.count) + digits
    let line = Array(#","crc32c":"\#(padded)"}"#.utf8)
    return lines[0] + [10] + lines[1].dropLast(closing.count) + line + [10] + lines[2]
}

private func checkPreamble(_ bytes: [UInt8]) {
    do throws(RecordingError) {
        let (context, count) = try RecordingPreamble.parse(
            Array(bytes.prefix(RecordingPreamble.byteLimit)))
        require(
            count <= min(bytes.count, RecordingPreamble.byteLimit),
            "the preamble ends in the file, and within the limit")
        let written = try RecordingPreamble.bytes(of: context)
        let again = try RecordingPreamble.parse(written)
        require(
            again.context == context && again.byteCount == written.count,
            "a context stays the same when it is written and read")
    } catch {
        if case .notRecordable(let reason) = error {
            fatalError("a context that was read cannot be written: \(reason)")
        }
        require(!error.description.isEmpty, "an error has words")
    }
}

/// Reads a recording to its end, and accounts for every byte.
private struct RecordingWalk {
    private let bytes: [UInt8]
    private let path: String

    init(_ bytes: [UInt8], path: String) {
        self.bytes = bytes
        self.path = path
    }

    func run() {
        do throws(RecordingError) {
            let reader = try RecordingReader(path: path)
            let start = try RecordingPreamble.parse(
                Array(bytes.prefix(RecordingPreamble.byteLimit))
            ).byteCount
            walk(reader, from: start)
        } catch {
            if case .system(let error) = error { fatalError("\(error)") }
        }
    }

    private func walk(_ reader: RecordingReader, from start: Int) {
        var position = start
        var shots: UInt64 = 0
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: reader.bufferCount, alignment: 8)
        defer { buffer.deallocate() }
        do throws(RecordingError) {
            while let frame = try reader.next(into: buffer) {
                let count = FrameHeader.byteCount + frame.payload.count
                require(position + count <= bytes.count, "no frame is longer than the file")
                require(
                    frame.payload.elementsEqual(
                        bytes[position + FrameHeader.byteCount..<position + count]),
                    "a frame has the bytes of the file")
                require(
                    (0..<reader.context.starts.count).contains(frame.restart),
                    "a frame is of a start of the board that there was")
                position += count
                shots += UInt64(frame.header.shots)
                require(reader.shots == shots, "the shots are counted")
            }
            require(position == bytes.count, "a recording ends where its file ends")
        } catch {
            checkPlace(of: error, position: position, shots: shots)
            require(
                throwsAgain(error, reader, buffer), "an error is thrown again by every further call"
            )
        }
    }

    private func checkPlace(of error: RecordingError, position: Int, shots: UInt64) {
        switch error {
        case .damaged(let byte, let good, _):
            require(
                byte == UInt64(position) && good == shots, "damage is told where the frame begins")
        case .truncated(let byte, let good):
            require(
                byte == UInt64(bytes.count) && good == shots,
                "a file that ends too early is told where it ends")
        default: fatalError("unexpected: \(error)")
        }
    }

    private func throwsAgain(
        _ error: RecordingError, _ reader: RecordingReader, _ buffer: UnsafeMutableRawBufferPointer
    ) -> Bool {
        do throws(RecordingError) {
            _ = try reader.next(into: buffer)
            return false
        } catch let second {
            return second == error
        }
    }
}

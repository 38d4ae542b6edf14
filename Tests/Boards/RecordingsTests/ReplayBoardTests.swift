// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import EntropyTerms
import Glibc
import LinuxPlatform
import RecordingFormat
import Recordings
import TestSupport
import Testing

@Suite(
    "A board that replays a recording: every frame once, the end, damage, files that are not replayed"
)
struct ReplayBoardTests {
    private let directory = TemporaryDirectory()
    private var path: String { directory.file("r") }

    private func read(_ board: ReplayBoard) throws(BoardError) -> [UInt8] {
        // Room for one frame, and not for the largest that could come after it.
        var buffer = [UInt8](repeating: 0, count: 200)
        let count = try buffer.withUnsafeMutableBytes { bytes in
            Result { () throws(BoardError) in try board.read(into: bytes, milliseconds: 0) }
        }.get()
        return Array(buffer[..<count])
    }

    @Test("Is the board of the recording, as a replay")
    func description() throws {
        try write(try makeRecording([]), to: path)
        let recorded = makeContext().board
        let description = try ReplayBoard(path: path).open()
        #expect(description.kind == "replay")
        #expect(description.provenance == .replay)
        #expect(description.path == path)
        #expect(description.serial == recorded.serial)
        #expect(description.lanes == recorded.lanes)
        #expect(description.encoding == recorded.encoding)
        #expect(description.operatingPoint == recorded.operatingPoint)
        #expect(description.maximumPayload == ReplayBoard.smallestMaximumPayload)
        #expect(description.recordedFrom == .simulated)
    }

    /// A disk that counts its calls.
    private final class CountingDisk: Sendable {
        let reads = Tally()

        var calls: FileCalls {
            FileCalls(read: { [reads] file, bytes, offset in
                reads.add(1)
                return pread(file, bytes.baseAddress, bytes.count, offset)
            })
        }
    }

    @Test("Reads small frames many at a time, from the disk and for the pipeline")
    func bulk() throws {
        let frames = makeFrames(50_000)
        let recording = try makeRecording([frames])
        try write(recording, to: path)
        let disk = CountingDisk()
        let board = ReplayBoard(path: path, calls: disk.calls)
        let description = try board.open()
        var buffer = [UInt8](
            repeating: 0, count: FrameReader.bufferCount(maximumPayload: description.maximumPayload))
        var (given, reads) = ([UInt8](), 0)
        let end = #expect(throws: BoardError.self) {
            while true {
                let count = try buffer.withUnsafeMutableBytes { bytes in
                    Result { () throws(BoardError) in try board.read(into: bytes, milliseconds: 0) }
                }.get()
                given += buffer[..<count]
                reads += 1
            }
        }
        #expect(end == .ended("150000 shots of \(path)"))
        #expect(given == frames.flatMap { $0 })
        #expect(reads < 150 && disk.reads.value < 10, "\(reads), \(disk.reads.value)")
    }

    @Test("Gives every frame once, also when it is closed and opened meanwhile, and then has ended")
    func once() throws {
        let frames = makeFrames(6)
        try write(try makeRecording([frames]), to: path)
        let board = ReplayBoard(path: path)
        for frame in frames {
            _ = try board.open()
            board.start()
            #expect(try read(board) == frame)
            board.stop()
            board.close()
        }
        _ = try board.open()
        let end = BoardError.ended("18 shots of \(path)")
        #expect(throws: end) { try read(board) }
        board.close()
        #expect(throws: end) { try board.open() }
        #expect(throws: end) { try read(board) }
    }

    @Test("Ends at damage, after everything before it was given")
    func damaged() throws {
        let frames = makeFrames(6)
        var recording = try makeRecording([frames])
        let byte = preambleCount(recording) + 2 * 88
        recording[byte + 44] ^= 0x80
        try write(recording, to: path)
        let board = ReplayBoard(path: path)
        _ = try board.open()
        #expect(try read(board) == frames[0])
        #expect(try read(board) == frames[1])
        let end = BoardError.ended(
            "6 shots of \(path), which is damaged at byte \(byte), after 6 good shots:"
                + " wrong checksum")
        #expect(throws: end) { try read(board) }
        #expect(throws: end) { try board.open() }
    }

    @Test("Does not open what is no recording that it can replay")
    func unsupported() throws {
        let board = ReplayBoard(path: path)
        let missing = SystemError("open", path, code: ENOENT)
        #expect(throws: BoardError.absent("\(missing)")) { try board.open() }
        try write(Array("metrng-recording 2\n".utf8), to: path)
        let version = RecordingError.otherVersion("2")
        #expect(throws: BoardError.unsupported("\(path): \(version)")) { try board.open() }
        let context = makeContext(starts: .restarts(2, shotsPerRestart: 3))
        try write(try makeRecording([makeFrames(1), makeFrames(1)], context: context), to: path)
        let restarts = "\(path) is a recording with restarts; use it with mectl export"
        #expect(throws: BoardError.unsupported(restarts)) { try board.open() }
        try write(try makeRecording([makeFrames(1)]), to: path)
        _ = try board.open()
    }

    @Test("Says that it may not open the file")
    func notPermitted() throws {
        try write(try makeRecording([]), to: path)
        chmod(directory.path, 0o711)
        let board = ReplayBoard(path: path)
        let error = try asNobody { () -> BoardError? in
            do throws(BoardError) {
                _ = try board.open()
                return nil
            } catch {
                return error
            }
        }
        let forbidden = SystemError("open", path, code: EACCES)
        #expect(error == .notPermitted("\(forbidden)"))
    }
}

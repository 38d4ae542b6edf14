// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import EntropyTerms
import Glibc
import HostSource
import LinuxPlatform
import TestSupport
import Testing

@Suite(
    "A generator of the host: devices, terminals and FIFOs, shots in pieces, vanishing writers, interruption, no spinning, wiping; kinds that are refused",
    .timeLimit(.minutes(5)))
struct HostBoardTests {
    private let directory = TemporaryDirectory()
    private var path: String { directory.file("fifo") }

    private func makeFIFO() throws {
        try system("make a FIFO") { mkfifo(path, 0o600) }
    }

    private func openWriter() throws -> Descriptor {
        Descriptor(owning: try system("open") { open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC) })
    }

    private func write(_ bytes: [UInt8], to file: Descriptor) throws {
        try system("write") { Glibc.write(file.raw, bytes, bytes.count) }
    }

    /// A board at the path that is open and started.
    private func makeBoard(
        _ path: String, lanes: Int = 64, shotsPerFrame: Int = 4
    ) throws -> HostBoard {
        let board = try HostBoard(
            path: path, lanes: lanes, shotsPerFrame: shotsPerFrame, locked: false)
        _ = try board.open()
        board.start()
        return board
    }

    private func read(
        _ board: HostBoard, room: Int = 4_096, milliseconds: Int32 = 0
    ) throws -> (bytes: [UInt8], beyond: [UInt8]) {
        var buffer = [UInt8](repeating: 0, count: room)
        let count = try buffer.withUnsafeMutableBytes { bytes in
            try board.read(into: bytes, milliseconds: milliseconds)
        }
        return (Array(buffer[..<count]), Array(buffer[count...]))
    }

    private func header(_ frame: [UInt8]) throws -> FrameHeader {
        try frame.withUnsafeBytes { bytes in
            #expect(FrameHeader.checksumHolds(for: bytes))
            return try FrameHeader(parsing: bytes)
        }
    }

    @Test("Describes itself as what it is")
    func description() throws {
        let board = try HostBoard(path: "/dev/urandom", shotsPerFrame: 1_024, locked: false)
        let description = try board.open()
        #expect(description.kind == "host")
        #expect(description.provenance == .host)
        #expect(description.path == "/dev/urandom")
        #expect(description.firmware == "-")
        #expect(description.lanes == 64)
        #expect(description.encoding == .states)
        #expect(description.maximumPayload == 8_192)
        #expect(description.tuning == nil)
        board.close()
    }

    @Test("A character device gives full frames, one after another", arguments: [64, 128, 4_096])
    func device(lanes: Int) throws {
        let board = try makeBoard("/dev/urandom", lanes: lanes, shotsPerFrame: 5)
        var before: [UInt8] = []
        for number in 0..<4 {
            let frame = try read(board, milliseconds: 10_000).bytes
            let header = try header(frame)
            #expect(header.shots == 5)
            #expect(Int(header.wordsPerShot) == lanes / 64)
            #expect(header.sequence == UInt32(number))
            #expect(header.firstShot == UInt64(number * 5))
            #expect(header.flags == [])
            let payload = Array(frame[FrameHeader.byteCount...])
            #expect(payload != before)
            before = payload
        }
        board.close()
    }

    @Test("Gives what a FIFO holds as it came, whole shots only, and keeps the rest")
    func partialWords() throws {
        try makeFIFO()
        let board = try makeBoard(path)
        let writer = try openWriter()
        let bytes = (0..<100).map { UInt8($0 + 1) }
        try write(Array(bytes[..<5]), to: writer)
        let nothing = try read(board)
        #expect(nothing.bytes == [])
        #expect(nothing.beyond.allSatisfy { $0 == 0 }, "bits that were not delivered are wiped")
        try write(Array(bytes[5..<20]), to: writer)
        let first = try read(board)
        #expect(first.bytes[FrameHeader.byteCount...] == bytes[..<16])
        #expect(first.beyond.allSatisfy { $0 == 0 })
        try write(Array(bytes[20...]), to: writer)
        var rest: [UInt8] = []
        for shots in [4, 4, 2] as [UInt32] {
            let frame = try read(board).bytes
            #expect(try header(frame).shots == shots)
            rest += frame[FrameHeader.byteCount...]
        }
        #expect(rest == Array(bytes[16..<96]))
        #expect(try read(board).bytes == [])
        board.close()
    }

    @Test("A FIFO whose writer vanishes gives nothing until the next one comes")
    func vanishingWriter() throws {
        try makeFIFO()
        let board = try makeBoard(path)
        #expect(try read(board, milliseconds: 50).bytes == [], "nobody has ever written")
        for number in 1...3 as ClosedRange<UInt8> {
            var writer: Descriptor? = try openWriter()
            // A shot, and part of one, which the next writer does not go on with.
            try write([UInt8](repeating: number, count: 11), to: try #require(writer))
            writer = nil
            let frame = try read(board).bytes
            #expect(frame[FrameHeader.byteCount...].allSatisfy { $0 == number })
            #expect(try read(board, milliseconds: 50).bytes == [])
        }
        board.close()
    }

    @Test("Waiting for a FIFO without a writer sleeps")
    func sleeps() throws {
        try makeFIFO()
        let board = try makeBoard(path)
        _ = try openWriter()
        let before = try sleepCount()
        #expect(try read(board, milliseconds: 400).bytes == [])
        // The end of the last writer wakes once; a loop that spins would not sleep, or far more often.
        #expect((1...10).contains(try sleepCount() - before))
        board.close()
    }

    /// How often this thread gave its processor away by itself.
    private func sleepCount() throws -> Int {
        let lines = try textLines(ofFile: "/proc/thread-self/status")
        let line = try #require(lines.first { $0.hasPrefix("voluntary_ctxt_switches") })
        return try #require(Int(line.drop { !$0.isNumber }))
    }

    @Test("A wait is interrupted from another thread, with a writer and without")
    func interrupt() throws {
        try makeFIFO()
        let board = try makeBoard(path)
        for hasWriter in [false, true] {
            let writer = hasWriter ? try openWriter() : nil
            let isDone = Flag()
            let thread = try WorkerThread(name: "interrupt") {
                while !isDone.isRaised {
                    usleep(1_000)
                    board.interrupt()
                }
            }
            #expect(try read(board, milliseconds: .max).bytes == [])
            isDone.raise()
            thread.join()
            withExtendedLifetime(writer) {}
        }
        board.close()
    }

    @Test("Closing forgets the beginning of a shot")
    func closing() throws {
        try makeFIFO()
        let board = try makeBoard(path)
        let writer = try openWriter()
        try write([1, 1, 1, 1, 1], to: writer)
        #expect(try read(board).bytes == [])
        board.close()
        #expect(throws: BoardError.self) { try read(board) }
        _ = try board.open()
        board.start()
        try write([UInt8](repeating: 2, count: 8), to: writer)
        let frame = try read(board).bytes
        #expect(frame[FrameHeader.byteCount...].allSatisfy { $0 == 2 })
        #expect(try header(frame).sequence == 0)
        board.close()
    }

    @Test("A start forgets the beginning of a shot that came before it")
    func starting() throws {
        try makeFIFO()
        let board = try makeBoard(path)
        let writer = try openWriter()
        try write([1, 1, 1, 1, 1], to: writer)
        #expect(try read(board).bytes == [])
        board.stop()
        board.start()
        try write([UInt8](repeating: 2, count: 8), to: writer)
        let frame = try read(board).bytes
        #expect(Array(frame[FrameHeader.byteCount...]) == [UInt8](repeating: 2, count: 8))
        #expect(try header(frame).firstShot == 0)
        board.close()
    }

    @Test("A writer that pauses is not cut off, and the board says whether there is one")
    func awaits() throws {
        try makeFIFO()
        let board = try makeBoard(path)
        #expect(try read(board).bytes == [])
        #expect(board.awaited == "no program has \(path) open for writing")
        let writer = try openWriter()
        #expect(try read(board).bytes == [])
        #expect(board.awaited == "nothing comes from \(path)")
        try write([UInt8](repeating: 3, count: 8), to: writer)
        #expect(try read(board).bytes.count == FrameHeader.byteCount + 8)
        board.close()
    }

    @Test("A FIFO that is put in the place of another is read, and one that is taken away is missed")
    func replacedFIFO() throws {
        try makeFIFO()
        let board = try makeBoard(path)
        #expect(try read(board).bytes == [])
        try system("remove") { unlink(path) }
        try makeFIFO()
        #expect(try read(board).bytes == [])
        try write([UInt8](repeating: 4, count: 8), to: try openWriter())
        #expect(try read(board).bytes.last == 4)
        try system("remove") { unlink(path) }
        #expect(throws: BoardError.absent("\(SystemError("examine", path, code: ENOENT))")) { try read(board) }
        board.close()
    }

    @Test("A terminal gives every byte as it was sent, echoes none, and has its earlier settings afterwards")
    func terminal() throws {
        let terminal = try PseudoTerminal()
        let before = terminal.settings
        try #require(before.c_lflag & tcflag_t(ECHO | ICANON | ISIG) == tcflag_t(ECHO | ICANON | ISIG))
        let board = try makeBoard(terminal.path, shotsPerFrame: 64)
        #expect(terminal.settings.c_lflag & tcflag_t(ECHO | ICANON | ISIG) == 0)
        #expect(terminal.settings.c_ospeed == before.c_ospeed)
        #expect(try read(board).bytes == [], "nothing yet is not the end")
        let bytes = (0...255).map { UInt8($0) }
        try terminal.send(bytes)
        var payload: [UInt8] = []
        while payload.count < bytes.count {
            payload += try read(board, milliseconds: 10_000).bytes.dropFirst(FrameHeader.byteCount)
        }
        #expect(payload == bytes)
        #expect(terminal.received() == [])
        board.close()
        let after = terminal.settings
        #expect(after.c_iflag == before.c_iflag && after.c_oflag == before.c_oflag)
        #expect(after.c_cflag == before.c_cflag && after.c_lflag == before.c_lflag)
        #expect(after.c_cc.5 == before.c_cc.5 && after.c_cc.6 == before.c_cc.6)
    }

    @Test("A terminal whose device is gone is absent")
    func lostTerminal() throws {
        var terminal: PseudoTerminal? = try PseudoTerminal()
        let board = try makeBoard(try #require(terminal?.path))
        terminal = nil
        let error = #expect(throws: BoardError.self) { try read(board) }
        guard case .absent = error else {
            Issue.record("\(error as Any)")
            return
        }
        board.close()
    }

    @Test("A device that ends is absent")
    func ends() throws {
        let board = try makeBoard("/dev/null")
        #expect(throws: BoardError.absent("/dev/null has reached its end")) { try read(board) }
        board.close()
    }

    @Test("Other kinds of files are refused, with what is allowed")
    func wrongKinds() throws {
        let socket = try UnixListener(path: directory.file("socket"), mode: 0o600)
        let file = Descriptor(
            owning: try system("create") { open(directory.file("file"), O_RDWR | O_CREAT, 0o600) })
        for path in [socket.path, directory.file("file"), directory.path] {
            let board = try HostBoard(path: path, shotsPerFrame: 1, locked: false)
            #expect(
                throws: BoardError.unsupported("\(path) is neither a character device nor a FIFO")
            ) {
                try board.open()
            }
        }
        withExtendedLifetime((socket, file)) {}
    }

    @Test("Missing ones are absent, forbidden ones not permitted")
    func unreachable() throws {
        let missing = SystemError("examine", path, code: ENOENT)
        let board = try HostBoard(path: path, shotsPerFrame: 1, locked: false)
        #expect(throws: BoardError.absent("\(missing)")) { try board.open() }
        try makeFIFO()
        chmod(directory.path, 0o711)
        let forbidden = SystemError("open", path, code: EACCES)
        let error = try asNobody { () -> BoardError? in
            do throws(BoardError) {
                _ = try board.open()
                return nil
            } catch {
                return error
            }
        }
        #expect(error == .notPermitted("\(forbidden)"))
    }
}

// SPDX-License-Identifier: Apache-2.0

import BoardOperations
import BoardProtocol
import ControlCommands
import ControlInterface
import ControlTestSupport
import EntropyTerms
import Glibc
import LinuxPlatform
import RecordingFormat
import Recordings
import TestSupport
import Testing
import Varlink

@Suite(
    "mectl record: the file that is passed, its mode, the report, progress; a failure or an interrupt leaves no file",
    .timeLimit(.minutes(5)))
struct RecordTests {
    private let directory = TemporaryDirectory()
    private var file: String { directory.file("r.metrec") }

    private static let note = "mectl: note: recorded bits are not served\n"

    private static func done(_ shots: Int) -> VarlinkReplyStep {
        .last(Record.Reply(shotsDone: shots, shotsTotal: shots, bytes: 640_320))
    }

    private static func running(_ done: Int, of total: Int = 10_000) -> VarlinkReplyStep {
        .item(Record.Reply(shotsDone: done, shotsTotal: total, bytes: 0))
    }

    private func record(_ daemon: FakeDaemon, _ arguments: [String] = []) -> Invocation {
        Invocation(
            ["record", "--output", file, "--shots", "10000"] + arguments,
            environment: ["METRNG_CONTROL": daemon.path])
    }

    @Test("Passes a new file that only its user and group may read, and says what is in it")
    func whole() throws {
        let daemon = try FakeDaemon()
        daemon.operation.play([Self.running(0), Self.done(10_005)])
        let invocation = record(daemon)
        #expect(invocation.exitCode == 0 && invocation.messages == Self.note)
        #expect(
            invocation.output == """
                SIMULATED — these bits come from a model and are not random

                board0: 10,005 shots in \(file), 640 kB

                """)
        var status = stat()
        #expect(lstat(file, &status) == 0 && status.st_mode & S_IFMT == S_IFREG)
        #expect(status.st_mode & 0o777 & ~0o640 == 0)
    }

    @Test("The descriptor that reaches the daemon is that of the file")
    func descriptor() throws {
        let daemon = try FakeDaemon()
        daemon.operation.play([Self.done(10_000)])
        #expect(record(daemon, ["--board", "SIM-0001"]).exitCode == 0)
        let operation = try #require(daemon.operation.begun.first?.operation as? Record)
        #expect(operation.shots == 10_000 && operation.starts == 1)
        let descriptor = try #require(operation.file)
        var (passed, made) = (stat(), stat())
        #expect(fstat(descriptor.raw, &passed) == 0 && lstat(file, &made) == 0)
        #expect(passed.st_ino == made.st_ino && passed.st_dev == made.st_dev)
    }

    @Test("Restarts are asked for, and said")
    func restarts() throws {
        let daemon = try FakeDaemon()
        daemon.operation.play([Self.done(10_000_000)])
        let invocation = record(daemon, ["--restarts", "1000", "--json"])
        #expect(
            invocation.output
                == #"{"bytes":640320,"file":"\#(file)","name":"board0","provenance":"simulated","#
                + #""restarts":1000,"shots":10000000}"# + "\n")
        let operation = try #require(daemon.operation.begun.first?.operation as? Record)
        #expect(operation.restarts == 1_000)
    }

    @Test("A file that exists is not overwritten, and the daemon not asked")
    func existing() throws {
        let daemon = try FakeDaemon()
        let passed = try PassedFile()
        let invocation = Invocation(
            ["record", "--output", passed.path, "--shots", "1"],
            environment: ["METRNG_CONTROL": daemon.path])
        #expect(invocation.exitCode == 1 && invocation.output == "")
        #expect(
            invocation.messages == """
                mectl: error: cannot create \(passed.path): File exists
                mectl: hint: existing files are not overwritten: choose another name, or remove the file

                """)
        #expect(daemon.operation.begun.isEmpty)
        #expect(access(passed.path, F_OK) == 0)
    }

    @Test(
        "A recording that failed leaves no file",
        arguments: [
            (.recordingFailed(cause: "No space left on device"), 1),
            (.boardFailed(board: "board0", cause: "no frame for 2 s"), 3),
            (.busy(board: "board0"), 1), (.notPermitted, 77),
        ] as [(ControlError, Int32)])
    func failed(error: ControlError, code: Int32) throws {
        let daemon = try FakeDaemon()
        daemon.operation.play([Self.running(0)])
        daemon.operation.fail(error)
        let invocation = record(daemon)
        #expect(invocation.exitCode == code && invocation.output == "")
        #expect(invocation.messages.hasPrefix(Self.note + "mectl: error: "))
        #expect(directory.entries.isEmpty)
    }

    @Test(
        "Of a recording that the daemon or the board refuses nothing else is said",
        arguments: [[], [running(0, of: 0)]] as [[VarlinkReplyStep]])
    func refused(steps: [VarlinkReplyStep]) throws {
        let daemon = try FakeDaemon()
        daemon.operation.play(steps)
        daemon.operation.fail(.busy(board: "board0"))
        let invocation = record(daemon)
        #expect(invocation.exitCode == 1 && directory.entries.isEmpty)
        #expect(invocation.messages.hasPrefix("mectl: error: "), "\(invocation.messages)")
    }

    @Test("A recording that was interrupted leaves no file and no work for the board")
    func interrupted() throws {
        let daemon = try FakeDaemon()
        daemon.operation.play([Self.running(1)])
        let asked = Tally()
        let invocation = Invocation(
            ["record", "--output", file, "--shots", "10000"],
            environment: ["METRNG_CONTROL": daemon.path],
            isInterrupted: {
                asked.add(1)
                return asked.value > 3
            })
        #expect(invocation.exitCode == 130 && invocation.output == "")
        #expect(
            invocation.messages == Self.note + "mectl: error: interrupted before the end\n")
        #expect(directory.entries.isEmpty)
        #expect(eventually { daemon.operation.abandoned == 1 })
    }

    /// Writes frames into a file, as the daemon does.
    private static func fill(_ path: String) throws {
        let board = BoardDescription(
            kind: "simulated", provenance: .simulated, serial: "SIM-7", path: "built-in",
            firmware: "1.0", lanes: 64, encoding: .toggles,
            operatingPoint: OperatingPoint(
                amplitudeMillivolts: 1_100, pulseWidthPicoseconds: 350, biasFieldMicrotesla: 250),
            maximumPayload: 32, shotsPerSecond: nil)
        let file = Descriptor(owning: try system("open", path) { open(path, O_RDWR | O_CLOEXEC) })
        let writer = try RecordingWriter(
            file,
            context: RecordingContext(
                version: "1", time: 1_772_366_400, board: board, claimedEntropy: 0.8,
                starts: .init(count: 1, shots: 10_000)))
        var frame = [UInt8](repeating: 0, count: FrameHeader.byteCount + 32)
        let header = FrameHeader(
            flags: .toggleEncoded, wordsPerShot: 1, sequence: 0, shots: 4, firstShot: 0,
            temperature: 2_500)
        frame.withUnsafeMutableBytes { header.write(to: $0) }
        try frame.withUnsafeBytes { bytes in
            try Result { () throws(RecordingError) in try writer.write(frames: bytes) }.get()
        }
    }

    @Test("An interrupt keeps the frames that came before it")
    func interruptedInTheMiddle() throws {
        let daemon = try FakeDaemon()
        daemon.operation.play([Self.running(1)])
        let asked = Tally()
        let path = file
        let invocation = Invocation(
            ["record", "--output", path, "--shots", "10000"],
            environment: ["METRNG_CONTROL": daemon.path],
            isInterrupted: {
                asked.add(1)
                if asked.value == 2 { try? Self.fill(path) }
                return asked.value > 3
            })
        #expect(invocation.exitCode == 130 && invocation.output == "")
        #expect(
            invocation.messages == Self.note
                + "mectl: note: \(path) keeps the frames received until then, as a truncated recording\n"
                + "mectl: error: interrupted before the end\n")
        #expect(directory.entries == ["r.metrec"])
        let reader = try RecordingReader(path: path)
        var buffer = [UInt8](repeating: 0, count: reader.bufferCount)
        let shots = try buffer.withUnsafeMutableBytes { bytes in
            try Result { () throws(RecordingError) in try reader.next(into: bytes)?.header.shots }.get()
        }
        #expect(shots == 4)
    }

    @Test(
        "The standard output gets the recording, whole or up to an interrupt, and nothing else",
        arguments: [true, false])
    func standardOutput(isInterrupted: Bool) throws {
        let daemon = try FakeDaemon()
        daemon.operation.play(isInterrupted ? [Self.running(1)] : [Self.running(1), Self.running(2), Self.done(4)])
        let operations = daemon.operation
        let asked = Tally()
        let invocation = Invocation(
            ["record", "--output", "-", "--shots", "10000"],
            environment: ["METRNG_CONTROL": daemon.path, "TMPDIR": directory.path],
            isInterrupted: {
                asked.add(1)
                let operation = operations.begun.first?.operation as? Record
                if asked.value == 2, let file = operation?.file {
                    try? Self.fill("/proc/self/fd/\(file.raw)")
                }
                return isInterrupted && asked.value > 3
            })
        #expect(invocation.exitCode == (isInterrupted ? 130 : 0) && invocation.output == "")
        #expect(invocation.bytes.starts(with: Array("metrng-recording 1\n".utf8)))
        #expect(invocation.bytes.suffix(32) == [UInt8](repeating: 0, count: 32)[...])
        if !isInterrupted { #expect(invocation.messages.hasSuffix("4 shots in the standard output, 640 kB\n")) }
        #expect(directory.entries.isEmpty)
    }

    @Test("Tells a terminal how far it is, on a line that is cleared")
    func progress() throws {
        let daemon = try FakeDaemon()
        daemon.operation.play([Self.running(1_000), Self.done(10_000)])
        let invocation = Invocation(
            ["record", "--output", file, "--shots", "10000"],
            environment: ["METRNG_CONTROL": daemon.path], messagesAreOnTerminal: true)
        #expect(
            invocation.messages == Self.note + "\rmectl: 1,000 of 10,000 shots\u{1B}[K"
                + "\rmectl: 10,000 of 10,000 shots\u{1B}[K" + "\r\u{1B}[K")
    }

    @Test(
        "A command line that makes no sense makes no file",
        arguments: [
            ["--shots", "0"], ["--shots", "-1"], ["--shots", "1000000000001"],
            ["--shots", "1", "--restarts", "0"], ["--shots", "1", "--restarts", "10001"], [],
            ["--shots", "1", "--output", "-", "--json"],
        ])
    func usage(arguments: [String]) {
        let invocation = Invocation(["record", "--output", file] + arguments)
        #expect(invocation.exitCode == 64 && invocation.output == "")
        #expect(directory.entries.isEmpty)
    }
}

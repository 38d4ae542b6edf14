// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import ControlCommands
import EntropyTerms
import Glibc
import LinuxPlatform
import RecordingFormat
import Recordings
import TestSupport
import Testing

@Suite(
    "mectl export: a lane and the restart matrix of a recording made for the test; damage, what cannot be exported"
)
struct ExportTests {
    private static let lanes = 64
    private let directory = TemporaryDirectory()
    private var recording: String { directory.file("r.metrec") }
    private var output: String { directory.file("lane.bin") }

    /// Writes a recording of frames of four shots, in which lane 5 is 1 in every odd shot, and no other
    /// lane ever is.
    ///
    /// - Parameter starts: how often the board is started, with so many frames each time.
    private func make(frames: Int, starts: Int = 1, provenance: Provenance = .simulated) throws {
        let board = BoardDescription(
            kind: "simulated", provenance: provenance, serial: "SIM-7", path: "built-in",
            firmware: "1.0", lanes: Self.lanes, encoding: .toggles,
            operatingPoint: OperatingPoint(
                amplitudeMillivolts: 1_100, pulseWidthPicoseconds: 350, biasFieldMicrotesla: 250),
            maximumPayload: 32, shotsPerSecond: nil)
        let context = RecordingContext(
            version: "1", time: 1_772_366_400, board: board, claimedEntropy: 0.8,
            starts: .init(count: starts, shots: 4 * frames))
        let file = Descriptor(
            owning: try system("create", recording) {
                open(recording, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
            })
        let writer = try RecordingWriter(file, context: context)
        for _ in 0..<starts { try Self.write(frames, of: board, with: writer) }
    }

    private static func write(
        _ frames: Int, of board: BoardDescription, with writer: RecordingWriter
    ) throws {
        let count = FrameReader.bufferCount(maximumPayload: board.maximumPayload)
        let memory = try LockedMemory(count: count, locked: false)
        var reader = FrameReader(buffer: memory.bytes, board: board)
        for number in 0..<frames {
            let header = FrameHeader(
                flags: .toggleEncoded, wordsPerShot: 1, sequence: UInt32(number), shots: 4,
                firstShot: UInt64(number) * 4, temperature: 2_500)
            var frame = [UInt8](repeating: 0, count: FrameHeader.byteCount + 32)
            for shot in [1, 3] { frame[FrameHeader.byteCount + 8 * shot] = 1 << 5 }
            frame.withUnsafeMutableBytes { header.write(to: $0) }
            reader.freeSpace().copyBytes(from: frame)
            reader.append(frame.count)
            while case .frame(let frame) = reader.next() { try writer.write(frame) }
        }
    }

    private func export(_ arguments: String...) -> Invocation {
        Invocation(["export", recording, "--output", output] + arguments)
    }

    @Test("Writes a byte for each bit of a lane, and says what they are")
    func sequence() throws {
        try make(frames: 3)
        let invocation = export("--lane", "5")
        #expect(invocation.exitCode == 0 && invocation.messages == "")
        #expect(
            invocation.output == """
                SIMULATED — these bits come from a model and are not random

                lane 5 of simulated board SIM-7: 12 samples in \(output)

                """)
        #expect(try contents(ofFile: output) == [0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1])
        var status = stat()
        #expect(lstat(output, &status) == 0 && status.st_mode & 0o777 & ~0o640 == 0)
    }

    @Test("Bits of a device carry no warning")
    func hardware() throws {
        try make(frames: 1, provenance: .hardware)
        #expect(export("--lane", "0").output.hasPrefix("lane 0 of "))
    }

    @Test(
        "Writes several lanes shot by shot",
        arguments: [
            ("4-6", "lanes 4-6", [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0] as [UInt8]),
            ("5,4", "lanes 4-5", [0, 0, 0, 1, 0, 0, 0, 1]),
        ])
    func severalLanes(lanes: String, name: String, expected: [UInt8]) throws {
        try make(frames: 1)
        let invocation = export("--lane", lanes)
        #expect(invocation.exitCode == 0 && invocation.messages == "")
        let count = expected.count / 4
        #expect(
            invocation.output.hasSuffix(
                "\n\(name) of simulated board SIM-7: 4 samples of each of \(count) lanes in \(output)\n"))
        #expect(try contents(ofFile: output) == expected)
    }

    @Test("Writes all lanes")
    func allLanes() throws {
        try make(frames: 2)
        #expect(export("--lane", "all").output.contains("lanes 0-63 of"))
        let shot = (0..<64).map { UInt8($0 == 5 ? 1 : 0) }
        let none = [UInt8](repeating: 0, count: 64)
        #expect(try contents(ofFile: output) == Array([none, shot, none, shot, none, shot, none, shot].joined()))
    }

    @Test("Writes to the standard output, and says there nothing else")
    func standardOutput() throws {
        try make(frames: 1)
        let invocation = Invocation(["export", recording, "--output", "-", "--lane", "5"])
        #expect(invocation.exitCode == 0 && invocation.output == "")
        #expect(invocation.bytes == [0, 1, 0, 1])
        #expect(
            invocation.messages.hasSuffix(
                "lane 5 of simulated board SIM-7: 4 samples in the standard output\n"))
        let closed = Invocation(
            ["export", recording, "--output", "-", "--lane", "5"], room: 0)
        #expect(closed.exitCode == 0 && closed.messages == "")
        let terminal = Invocation(
            ["export", recording, "--output", "-", "--lane", "5"], isTerminal: true)
        #expect(terminal.exitCode == 1 && terminal.bytes.isEmpty)
        #expect(directory.entries == ["r.metrec"])
    }

    @Test("Writes the restart matrix")
    func matrix() throws {
        try make(frames: 2, starts: 3)
        let invocation = export("--lane", "5", "--restart-matrix", "--rows", "3", "--columns", "6")
        #expect(invocation.exitCode == 0)
        #expect(invocation.output.contains("6 samples of each of 3 starts"))
        let row: [UInt8] = [0, 1, 0, 1, 0, 1]
        #expect(try contents(ofFile: output) == row + row + row)
    }

    @Test("What cannot be exported is said, and leaves no file")
    func refused() throws {
        let missing = export("--lane", "5")
        #expect(missing.exitCode == 1)
        #expect(missing.messages.contains("No such file or directory"))
        #expect(directory.entries.isEmpty)
        try make(frames: 2)
        for (arguments, message) in [
            (["--lane", "64"], "there is no lane 64: the recording has lanes 0 to 63"),
            (["--lane=-1"], "there is no lane -1: the recording has lanes 0 to 63"),
            (
                ["--lane", "5", "--restart-matrix"],
                "not a recording with restarts: the board was started only once"
            ),
        ] {
            let invocation = Invocation(["export", recording, "--output", output] + arguments)
            #expect(invocation.exitCode == 1 && invocation.output == "")
            #expect(invocation.messages == "mectl: error: \(recording): \(message)\n")
            #expect(directory.entries == ["r.metrec"])
        }
    }

    @Test("What comes before damage is kept, and said to be")
    func damaged() throws {
        try make(frames: 3)
        var status = stat()
        #expect(lstat(recording, &status) == 0 && truncate(recording, status.st_size - 1) == 0)
        let invocation = export("--lane", "5")
        #expect(invocation.exitCode == 1 && invocation.output == "")
        #expect(invocation.messages.contains("after 8 good shots"))
        #expect(
            invocation.messages.hasSuffix("mectl: hint: the samples before that are in \(output)\n")
        )
        #expect(try contents(ofFile: output) == [0, 1, 0, 1, 0, 1, 0, 1])
    }

    @Test("A file that exists is not overwritten")
    func existing() throws {
        try make(frames: 1)
        let invocation = Invocation(["export", recording, "--lane", "5", "--output", recording])
        #expect(
            invocation.exitCode == 1
                && invocation.messages.contains("existing files are not overwritten"))
    }

    @Test(
        "A command line that makes no sense makes no file",
        arguments: [
            [], ["--lane", "five"], ["--lane", "5", "--rows", "3"],
            ["--lane", "5", "--columns", "3"],
            ["--lane", "5", "--restart-matrix", "--rows", "0"],
            ["--lane", "5,6", "--restart-matrix"], ["--lane", "all", "--restart-matrix"],
            ["--lane", "6-5"], ["--lane", "5,"], ["--lane", ""],
        ])
    func usage(arguments: [String]) {
        let invocation = Invocation(["export", recording, "--output", output] + arguments)
        #expect(invocation.exitCode == 64 && invocation.output == "")
        #expect(directory.entries.isEmpty)
    }
}

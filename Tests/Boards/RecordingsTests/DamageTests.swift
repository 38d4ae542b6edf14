// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import Glibc
import LinuxPlatform
import RecordingFormat
import Recordings
import TestSupport
import Testing

@Suite(
    "A damaged recording: truncation at every byte, every byte changed, other versions, noise, sparse files: the place is named, the good part given once"
)
struct DamageTests {
    private let directory = TemporaryDirectory()
    private var path: String { directory.file("r") }
    private let frames = makeFrames(3)

    /// How many whole frames end at or before a byte of the recording.
    private func framesBefore(_ byte: Int, _ recording: [UInt8]) -> Int {
        max(0, byte - preambleCount(recording)) / 88
    }

    @Test("That ends too early says where, and gives every whole frame once")
    func truncated() throws {
        let recording = try makeRecording([frames])
        for count in 0..<recording.count {
            try write(Array(recording[..<count]), to: path)
            let reading = Reading(path)
            let whole = framesBefore(count, recording)
            #expect(reading.payloads == payloads(of: frames[..<whole]))
            if count == 0 {
                #expect(reading.error == .notARecording)
            } else {
                #expect(
                    reading.error == .truncated(byte: UInt64(count), shots: UInt64(whole * 3)))
            }
        }
    }

    @Test("With one byte changed says where, and gives every frame before it once")
    func flipped() throws {
        let recording = try makeRecording([frames])
        let start = preambleCount(recording)
        for byte in recording.indices {
            for bit in [0, 5, 7] {
                var changed = recording
                changed[byte] ^= 1 << bit
                try write(changed, to: path)
                let reading = Reading(path)
                let whole = framesBefore(byte, recording)
                #expect(reading.payloads == payloads(of: frames[..<whole]))
                switch reading.error {
                case .notARecording, .otherVersion: #expect(byte < 19)
                case .contextDamaged: #expect((19..<start).contains(byte))
                case .damaged(let place, let shots, _):
                    #expect(byte >= start)
                    #expect(place == UInt64(start + whole * 88) && shots == UInt64(whole * 3))
                default: Issue.record("\(String(describing: reading.error)) at \(byte)")
                }
            }
        }
    }

    @Test(
        "Of other kinds is refused for what it is",
        arguments: [
            ("", .notARecording), ("x", .notARecording), ("metrng-recording", .truncated(16)),
            ("metrng-recording \n", .notARecording), ("metrng-recording 2\n", .otherVersion("2")),
            ("metrng-recording 10\n{}\n", .otherVersion("10")),
            ("metrng-recording 1.5\n", .notARecording), ("metrng-recording 1\n", .truncated(19)),
            ("metrng-recording 1\n\n", .contextDamaged),
            ("metrng-recording 1\n{}\n", .contextDamaged),
            (#"metrng-recording 1\#n{"context":{},"crc32c":"00000000"}\#n"#, .contextDamaged),
            ("metrng-recording 1\n" + String(repeating: "[", count: 65_535), .truncated(65_554)),
            ("metrng-recording 1\n" + String(repeating: "[", count: 65_536), .contextDamaged),
        ] as [(String, Expected)])
    func refused(text: String, expected: Expected) throws {
        try write(Array(text.utf8), to: path)
        let reading = Reading(path)
        #expect(reading.error == expected.error)
        #expect(reading.payloads == [])
    }

    enum Expected: Sendable {
        case notARecording
        case otherVersion(String)
        case contextDamaged
        case truncated(UInt64)

        var error: RecordingError {
            switch self {
            case .notARecording: .notARecording
            case .otherVersion(let version): .otherVersion(version)
            case .contextDamaged: .contextDamaged
            case .truncated(let byte): .truncated(byte: byte, shots: 0)
            }
        }
    }

    @Test("Gives nothing after the damage, and the same error again")
    func nothingAfterwards() throws {
        var recording = try makeRecording([frames])
        recording[preambleCount(recording) + 88 + 50] ^= 1
        try write(recording, to: path)
        let reader = try RecordingReader(path: path)
        let memory = try LockedMemory(count: reader.bufferCount, locked: false)
        #expect(try reader.next(into: memory.bytes) != nil)
        let byte = UInt64(preambleCount(recording) + 88)
        for _ in 0..<3 {
            #expect(throws: RecordingError.damaged(byte: byte, shots: 3, .checksum)) {
                try reader.next(into: memory.bytes)
            }
        }
    }

    @Test("With frames that come twice, or not in order, is damaged there")
    func order() throws {
        let recording = try makeRecording([], context: makeContext(starts: .once(shots: 6)))
        for order in [[0, 0], [1, 0], [2, 1]] {
            try write(recording + order.flatMap { frames[$0] }, to: path)
            let reading = Reading(path)
            #expect(reading.payloads == payloads(of: [frames[order[0]]]))
            let byte = UInt64(recording.count + 88)
            #expect(reading.error == .damaged(byte: byte, shots: 3, .order))
        }
    }

    @Test("Two in one file are the first of them, and damage")
    func joined() throws {
        let recording = try makeRecording([frames])
        try write(recording + recording, to: path)
        let reading = Reading(path)
        #expect(reading.payloads == payloads(of: frames))
        #expect(reading.error == .damaged(byte: UInt64(recording.count), shots: 9, .surplus))
    }

    @Test(
        "A context with a number that no board has is damage",
        arguments: [
            (#""amplitudeMillivolts":1550"#, #""amplitudeMillivolts":1e25"#),
            (#""biasFieldMicrotesla":20000"#, #""biasFieldMicrotesla":-1e25"#),
            (#""pulseWidthPicoseconds":466.5"#, #""pulseWidthPicoseconds":-1"#),
            (#""shotsPerSecond":null"#, #""shotsPerSecond":0"#),
            (#""shotsPerSecond":null"#, #""shotsPerSecond":1e308"#),
            (#""shotsPerRestart":9"#, #""shotsPerRestart":0"#),
            (#""restarts":1"#, #""restarts":0"#),
        ])
    func implausible(text: String, replacement: String) throws {
        let recording = try makeRecording([frames])
        let lines = recording.split(separator: 10, maxSplits: 2, omittingEmptySubsequences: false)
        let context = String(decoding: lines[1].dropFirst(11).dropLast(21), as: UTF8.self)
        for changed in [context, context.replacing(text, with: replacement)] {
            let line = #"{"context":\#(changed),"crc32c":"\#(checksum(of: changed))"}"#
            try write(
                Array("metrng-recording 1\n\(line)\n".utf8) + Array(lines[2]), to: path)
            #expect(Reading(path).error == (changed == context ? nil : .contextDamaged))
        }
    }

    /// CRC-32C, bit by bit, as it stands in the second line.
    private func checksum(of context: String) -> String {
        var crc = ~UInt32(0)
        for byte in context.utf8 {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1 == 1 ? 0x82F6_3B78 : 0) }
        }
        let digits = String(~crc, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

    @Test("Of ten gigabytes that are not there costs no memory", arguments: [true, false])
    func sparse(hasContext: Bool) throws {
        let recording = try makeRecording([frames], context: makeContext(starts: .once(shots: 10)))
        try write(hasContext ? recording : [], to: path)
        try system("stretch") { truncate(path, 10_000_000_000) }
        let before = residentPages()
        let reading = Reading(path)
        #expect(residentPages() - before < 4_096, "16 MiB, other tests included")
        #expect(reading.payloads.count == (hasContext ? 3 : 0))
        #expect(
            reading.error
                == (hasContext
                    ? .damaged(byte: UInt64(recording.count), shots: 9, .header) : .notARecording))
    }

    private func residentPages() -> Int {
        let line = (try? textLines(ofFile: "/proc/self/statm"))?.first ?? "0 0"
        return Int(line.split(separator: " ")[1]) ?? 0
    }

    @Test("Noise after a good start is damage, whatever it is")
    func noise() throws {
        let recording = try makeRecording([frames])
        var random = SeededGenerator(11)
        for _ in 0..<200 {
            let noise = random.bytes(Int.random(in: 40...500, using: &random))
            try write(recording + Array("MEB1".utf8) + noise, to: path)
            let reading = Reading(path)
            #expect(reading.payloads == payloads(of: frames))
            guard case .damaged(let byte, 9, _) = reading.error else {
                Issue.record("\(String(describing: reading.error))")
                continue
            }
            #expect(byte == UInt64(recording.count))
        }
    }

    @Test("Says in words where it is damaged")
    func words() {
        #expect(
            "\(RecordingError.damaged(byte: 700, shots: 30, .checksum))"
                == "damaged at byte 700, after 30 good shots: wrong checksum")
        #expect(
            "\(RecordingError.truncated(byte: 700, shots: 30))"
                == "truncated at byte 700, after 30 good shots")
    }

    @Test("Or none at all is not opened, and no pipe is waited for")
    func notAFile() throws {
        let missing = SystemError("open", directory.file("none"), code: ENOENT)
        #expect(Reading(directory.file("none")).error == .system(missing))
        #expect(Reading(directory.path).error == .notARegularFile)
        #expect(Reading("/dev/zero").error == .notARegularFile)
        mkfifo(directory.file("fifo"), 0o600)
        #expect(Reading(directory.file("fifo")).error == .notARegularFile)
    }
}

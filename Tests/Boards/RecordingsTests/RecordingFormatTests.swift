// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import EntropyTerms
import Glibc
import LinuxPlatform
import RecordingFormat
import Recordings
import TestSupport
import Testing

@Suite(
    "A recording: the golden first lines, frames as they came, restarts, gaps")
struct RecordingFormatTests {
    private let directory = TemporaryDirectory()
    private var path: String { directory.file("r") }

    @Test("Gives back its context and its frames as they came")
    func roundTrip() throws {
        let frames = makeFrames(5)
        try write(try makeRecording([frames]), to: path)
        #expect(try RecordingReader(path: path).context == makeContext(starts: .once(shots: 15)))
        let reading = Reading(path)
        #expect(reading.payloads == payloads(of: frames))
        #expect(reading.error == nil)
        #expect(try contents(ofFile: path).suffix(5 * 88) == frames.flatMap(\.self)[...])
    }

    @Test("Begins with two lines of text that people can read")
    func text() throws {
        let recording = try makeRecording([])
        let lines = String(decoding: recording, as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines[0] == "metrng-recording 1")
        let context =
            #"{"amplitudeMillivolts":1550,"biasFieldMicrotesla":20000,"#
            + #""claimedEntropy":0.8,"encoding":"toggles","firmware":"1.0","kind":"simulated","#
            + #""lanes":128,"maximumPayload":96,"path":"model:two-state-chains","#
            + #""provenance":"simulated","pulseWidthPicoseconds":466.5,"restarts":1,"#
            + #""serial":"SIM-\"{[","shotsPerRestart":1,"shotsPerSecond":null,"#
            + #""time":1795000000,"version":"0.3.0"}"#
        #expect(lines[1].hasPrefix(#"{"context":\#(context),"crc32c":""#))
        #expect(lines[1].count == context.count + 32)
    }

    @Test("Of restarts begins at frame 0 again at each of them, and nowhere else")
    func restarts() throws {
        let starts = [makeFrames(2, seed: 1), makeFrames(2, seed: 2), makeFrames(2, seed: 3)]
        // Four shots are wanted of each start, and whole frames hold six.
        let context = makeContext(starts: .restarts(3, shotsPerRestart: 4))
        try write(try makeRecording(starts, context: context), to: path)
        let reading = Reading(path)
        #expect(reading.payloads == payloads(of: starts.joined()))
        #expect(reading.restarts == [0, 0, 1, 1, 2, 2])
        #expect(reading.error == nil)
        let unmarked = try makeRecording(starts)
        try write(unmarked, to: path)
        let byte = UInt64(preambleCount(unmarked) + 176)
        #expect(Reading(path).payloads.count == 2)
        #expect(Reading(path).error == .damaged(byte: byte, shots: 6, .order))
    }

    @Test("Of restarts that has too few is truncated, one that has more is damaged")
    func wrongNumberOfRestarts() throws {
        let starts = [makeFrames(1), makeFrames(1), makeFrames(1)]
        let context = makeContext(starts: .restarts(2, shotsPerRestart: 3))
        let more = try makeRecording(starts, context: context)
        let start = UInt64(preambleCount(more))
        try write(more, to: path)
        #expect(Reading(path).error == .damaged(byte: start + 176, shots: 6, .surplus))
        try write(Array(more.dropLast(176)), to: path)
        #expect(Reading(path).error == .truncated(byte: start + 88, shots: 3))
    }

    @Test("Says how many shots are missing before a frame")
    func gap() throws {
        try write(try makeRecording([makeFrames(4, skipping: [1, 2])]), to: path)
        let reader = try RecordingReader(path: path)
        let memory = try LockedMemory(count: reader.bufferCount, locked: false)
        #expect(try reader.next(into: memory.bytes)?.shotsDroppedBefore == 0)
        #expect(try reader.next(into: memory.bytes)?.shotsDroppedBefore == 6)
        #expect(try reader.next(into: memory.bytes) == nil)
        #expect(reader.shots == 6)
    }

    @Test(
        "Is not made of what cannot be recorded",
        arguments: [
            makeContext(provenance: .replay), makeContext(claimedEntropy: 0),
            makeContext(claimedEntropy: .nan), makeContext(claimedEntropy: 1.1),
            makeContext(starts: .restarts(1, shotsPerRestart: 5)),
            makeContext(starts: .once(shots: 0)),
            makeContext(starts: .restarts(2, shotsPerRestart: 0)),
            makeContext(path: String(repeating: "x", count: 65_536)),
        ])
    func notRecordable(context: RecordingContext) throws {
        let file = try openForWriting(path)
        do {
            _ = try RecordingWriter(file, context: context)
            Issue.record("it was taken")
        } catch {
            guard case .notRecordable = error else { throw error }
        }
        #expect(try contents(ofFile: path) == [])
    }
}

@Suite(
    "A writer of recordings: what cannot be recorded; files that cannot be written, a full disk")
struct RecordingWriterTests {
    private let directory = TemporaryDirectory()
    private var path: String { directory.file("r") }

    @Test("Writes to regular files only, and to empty ones")
    func wrongFile() throws {
        var ends: [Int32] = [-1, -1]
        try system("make a pipe") { pipe(&ends) }
        let pipeEnds = ends.map { Descriptor(owning: $0) }
        let null = Descriptor(owning: try system("open") { open("/dev/null", O_RDWR) })
        let folder = Descriptor(owning: try system("open") { open(directory.path, O_RDONLY) })
        for file in pipeEnds + [null, folder] {
            #expect(throws: RecordingError.notARegularFile) {
                try RecordingWriter(file, context: makeContext())
            }
        }
        try write([1], to: path)
        let file = Descriptor(owning: try system("open") { open(path, O_RDWR) })
        #expect(throws: RecordingError.notEmpty) {
            try RecordingWriter(file, context: makeContext())
        }
        #expect(try contents(ofFile: path) == [1])
    }

    @Test("Says that a file may not be written")
    func readOnly() throws {
        try write([], to: path)
        let file = Descriptor(owning: try system("open") { open(path, O_RDONLY) })
        let error = SystemError("write", "the recording", code: EBADF)
        #expect(throws: RecordingError.system(error)) {
            try RecordingWriter(file, context: makeContext())
        }
    }

    @Test("Counts shots and bytes")
    func counts() throws {
        let writer = try RecordingWriter(openForWriting(path), context: makeContext())
        let start = writer.byteCount
        try record([makeFrames(7)], with: writer, makeContext())
        #expect(writer.shots == 21)
        #expect(writer.byteCount == start + 7 * 88)
    }

    @Test("That finds no more room leaves a recording of what fitted, which is truncated")
    func noRoom() async {
        await #expect(processExitsWith: .success) {
            limitFileSize(to: 700)
            let directory = TemporaryDirectory()
            let path = directory.file("r")
            let context = makeContext(starts: .once(shots: 60))
            let writer = try RecordingWriter(openForWriting(path), context: context)
            let fitting = (700 - Int(writer.byteCount)) / 88
            let error = SystemError("write", "the recording", code: EFBIG)
            #expect(throws: RecordingError.system(error)) {
                try record([makeFrames(20)], with: writer, context)
            }
            let reading = Reading(path)
            #expect(
                reading.error
                    == .truncated(byte: writer.byteCount, shots: UInt64(fitting * 3)))
            #expect(reading.payloads == payloads(of: makeFrames(20).prefix(fitting)))
            #expect(writer.shots == UInt64(fitting * 3))
        }
    }
}

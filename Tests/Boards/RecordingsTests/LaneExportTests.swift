// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import Glibc
import LinuxPlatform
import RecordingFormat
import Recordings
import TestSupport
import Testing

@Suite(
    "The export of a lane: a lane and the restart matrix against a loop over bits; damage, gaps, what is too small"
)
struct LaneExportTests {
    private let directory = TemporaryDirectory()
    private var path: String { directory.file("r") }

    /// The bits of a lane, found without the exporter.
    private func bits(ofLane lane: Int, _ frames: [[UInt8]]) -> [UInt8] {
        payloads(of: frames).flatMap { payload -> [UInt8] in
            (0..<3).map { payload[$0 * 16 + lane / 8] >> UInt8(lane % 8) & 1 }
        }
    }

    /// What is exported before the body ends or fails.
    private func export(
        _ lane: Int, _ body: (LaneExport) throws(LaneExportError) -> Void
    ) throws -> (bytes: [UInt8], error: LaneExportError?) {
        let file = try openForWriting(directory.file("lane"))
        var failure: LaneExportError?
        do throws(LaneExportError) {
            try body(LaneExport(path: path, lanes: .some([lane]), write: LaneExport.writing(to: file)))
        } catch {
            failure = error
        }
        return (try contents(ofFile: directory.file("lane")), failure)
    }

    private func sequence(
        _ lane: Int, shots: Int? = nil
    ) throws -> (bytes: [UInt8], error: LaneExportError?) {
        try export(lane) { export throws(LaneExportError) in
            _ = try export.writeSequence(shots: shots)
        }
    }

    @Test("Is a byte for each bit, in order", arguments: [0, 7, 8, 63, 64, 127])
    func whole(lane: Int) throws {
        let frames = makeFrames(50)
        try write(try makeRecording([frames]), to: path)
        let expected = bits(ofLane: lane, frames)
        #expect(try sequence(lane).bytes == expected)
        #expect(try sequence(lane, shots: 100).bytes == Array(expected[..<100]))
        #expect(try sequence(lane, shots: 151).error == .tooFewShots(150, wanted: 151))
    }

    @Test("Names a lane that is not there", arguments: [-1, 128])
    func noSuchLane(lane: Int) throws {
        try write(try makeRecording([]), to: path)
        #expect(try sequence(lane).error == .noSuchLane(lane, lanes: 128))
    }

    @Test("Gives what is before damage, and is whole when the damage is behind what is wanted")
    func damage() throws {
        let frames = makeFrames(10)
        var recording = try makeRecording([frames])
        let byte = preambleCount(recording) + 5 * 88
        recording[byte + 60] ^= 1
        try write(recording, to: path)
        let damaged = RecordingError.damaged(byte: UInt64(byte), shots: 15, .checksum)
        let all = try sequence(3)
        #expect(all.bytes == bits(ofLane: 3, Array(frames[..<5])))
        #expect(all.error == .recording(damaged))
        #expect(try sequence(3, shots: 15).error == nil)
    }

    @Test("Stops at a gap")
    func gap() throws {
        try write(try makeRecording([makeFrames(10, skipping: [4])]), to: path)
        #expect(try sequence(3).error == .gap(afterShots: 12))
        #expect(try sequence(3).bytes.count == 12)
        #expect(try sequence(3, shots: 12).error == nil)
    }

    @Test("Of restarts is a matrix, a row for each")
    func matrix() throws {
        let starts = (0..<5).map { makeFrames(4, seed: UInt64($0)) }
        let context = makeContext(starts: .restarts(5, shotsPerRestart: 10))
        try write(try makeRecording(starts, context: context), to: path)
        for (rows, columns) in [(5, 10), (4, 7), (1, 1), (5, 3)] {
            let exported = try export(70) { export throws(LaneExportError) in
                try export.writeRestartMatrix(restarts: rows, samples: columns)
            }
            #expect(exported.error == nil)
            let expected = starts.prefix(rows).flatMap { bits(ofLane: 70, $0).prefix(columns) }
            #expect(exported.bytes == expected)
        }
    }

    @Test("Is no matrix of a recording that is none, or too small")
    func noMatrix() throws {
        func matrix(_ rows: Int, _ columns: Int) throws -> LaneExportError? {
            try export(0) { export throws(LaneExportError) in
                try export.writeRestartMatrix(restarts: rows, samples: columns)
            }.error
        }
        try write(try makeRecording([makeFrames(3)]), to: path)
        #expect(try matrix(1, 1) == .notARestartRecording)
        let starts = [makeFrames(3, skipping: [1]), makeFrames(2)]
        let context = makeContext(starts: .restarts(2, shotsPerRestart: 6))
        try write(try makeRecording(starts, context: context), to: path)
        #expect(try matrix(3, 6) == .tooFewRestarts(2, wanted: 3))
        #expect(try matrix(2, 7) == .tooFewShots(6, wanted: 7))
        #expect(try matrix(2, 6) == .gap(afterShots: 3))
        #expect(try matrix(2, 3) == nil)
        #expect(try sequence(0).error == .restartRecording)
    }

    @Test("Says that nobody takes it")
    func closedOutput() throws {
        try write(try makeRecording([makeFrames(3)]), to: path)
        let full = Descriptor(owning: try system("open") { open("/dev/full", O_WRONLY) })
        let export = try LaneExport(path: path, lanes: .some([0]), write: LaneExport.writing(to: full))
        let error = SystemError("write", "the lane", code: ENOSPC)
        #expect(throws: LaneExportError.output(error)) { try export.writeSequence() }
    }
}

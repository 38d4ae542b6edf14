// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import EntropyTerms
import Glibc
import LinuxPlatform
import RecordingFormat
import Recordings
import TestSupport

let lanes = 128

func makeContext(
    starts: RecordingContext.Starts = .once(shots: 3), provenance: Provenance = .simulated,
    path: String = "model:two-state-chains", claimedEntropy: Double = 0.8
) -> RecordingContext {
    RecordingContext(
        version: "0.3.0", time: 1_795_000_000,
        board: BoardDescription(
            kind: "simulated", provenance: provenance, serial: "SIM-\"{[", path: path,
            firmware: "1.0", lanes: lanes, encoding: .toggles,
            operatingPoint: OperatingPoint(
                amplitudeMillivolts: 1550, pulseWidthPicoseconds: 466.5,
                biasFieldMicrotesla: 20000),
            maximumPayload: 96, shotsPerSecond: nil),
        claimedEntropy: claimedEntropy, starts: starts)
}

/// Frames of three shots of 128 lanes, numbered from 0, of seeded bits.
func makeFrames(_ count: Int, seed: UInt64 = 1, skipping skipped: Set<Int> = []) -> [[UInt8]] {
    var random = SeededGenerator(seed)
    return (0..<count).compactMap { number in
        let header = FrameHeader(
            flags: .toggleEncoded, wordsPerShot: 2, sequence: UInt32(number), shots: 3,
            firstShot: UInt64(number) * 3, temperature: 2500)
        var frame = [UInt8](repeating: 0, count: FrameHeader.byteCount) + random.bytes(48)
        frame.withUnsafeMutableBytes { header.write(to: $0) }
        return skipped.contains(number) ? nil : frame
    }
}

func openForWriting(_ path: String) throws(SystemError) -> Descriptor {
    Descriptor(
        owning: try system("create", path) {
            open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        })
}

func write(_ bytes: [UInt8], to path: String) throws {
    let file = try openForWriting(path)
    try system("write", path) { Glibc.write(file.raw, bytes, bytes.count) }
}

/// Gives frames to a writer as a pipeline does: each start of the board with a reader of its own.
func record(
    _ starts: [[[UInt8]]], with writer: RecordingWriter, _ context: RecordingContext
) throws {
    for frames in starts {
        let count = FrameReader.bufferCount(maximumPayload: context.board.maximumPayload)
        let memory = try LockedMemory(count: count, locked: false)
        var reader = FrameReader(buffer: memory.bytes, board: context.board)
        for frame in frames {
            reader.freeSpace().copyBytes(from: frame)
            reader.append(frame.count)
            while case .frame(let frame) = reader.next() { try writer.write(frame) }
        }
    }
}

/// The bytes of a recording.
///
/// - Parameter context: nil for one of a recording in one go of as many shots as there are.
func makeRecording(
    _ starts: [[[UInt8]]], context: RecordingContext? = nil
) throws -> [UInt8] {
    let context = context ?? makeContext(starts: .once(shots: max(1, 3 * starts.joined().count)))
    let directory = TemporaryDirectory()
    let writer = try RecordingWriter(openForWriting(directory.file("r")), context: context)
    try record(starts, with: writer, context)
    let bytes = try contents(ofFile: directory.file("r"))
    precondition(writer.byteCount == UInt64(bytes.count))
    return bytes
}

/// How many bytes the two lines of text at the start of a recording are.
func preambleCount(_ recording: [UInt8]) -> Int {
    let lines = recording.split(separator: 10, maxSplits: 2, omittingEmptySubsequences: false)
    return lines[0].count + lines[1].count + 2
}

/// What a reader makes of a recording.
struct Reading {
    var payloads: [[UInt8]] = []
    var restarts: [Int] = []
    var error: RecordingError?

    init(_ path: String) {
        do throws(RecordingError) {
            let reader = try RecordingReader(path: path)
            var buffer = [UInt8](repeating: 0, count: reader.bufferCount)
            while let frame = try next(reader, &buffer) {
                payloads.append(frame.payload)
                restarts.append(frame.restart)
            }
        } catch {
            self.error = error
        }
    }

    private func next(
        _ reader: RecordingReader, _ buffer: inout [UInt8]
    ) throws(RecordingError) -> (payload: [UInt8], restart: Int)? {
        try buffer.withUnsafeMutableBytes { bytes in
            Result { () throws(RecordingError) in
                try reader.next(into: bytes).map { (Array($0.payload), $0.restart) }
            }
        }.get()
    }
}

func payloads(of frames: some Sequence<[UInt8]>) -> [[UInt8]] {
    frames.map { Array($0.dropFirst(FrameHeader.byteCount)) }
}

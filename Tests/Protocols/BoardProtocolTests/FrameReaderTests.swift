// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import TestMaterials
import TestSupport
import Testing

@Suite(
    "Reading frames: in pieces, in garbage, cut short, with flipped bits")
struct FrameReaderTests {
    /// Frames 0, 1, 2 … of one stream.
    private static func frames(_ count: UInt32) -> [[UInt8]] {
        (0..<count).map { frameBytes(frameHeader($0), seed: UInt8($0)) }
    }

    @Test("frames cut at any byte come out whole")
    func cuts() {
        let frames = Self.frames(3)
        let stream = frames.flatMap { $0 }
        for cut in 0...stream.count {
            let reading = Reading(stream, pieces: [cut, stream.count])
            #expect(reading.asSent == frames, "cut at \(cut)")
            #expect(reading.rejections == [] && reading.skippedBytes == 0)
        }
    }

    @Test("frames come out whole whatever the size of the pieces", arguments: 1...100)
    func pieces(size: Int) {
        let frames = Self.frames(20)
        let reading = Reading(frames.flatMap { $0 }, pieces: [size])
        #expect(reading.asSent == frames)
        #expect(reading.frames.allSatisfy { $0.shotsDroppedBefore == 0 })
        #expect(reading.rejections == [] && reading.skippedBytes == 0)
    }

    @Test("several frames in one piece come out one after another")
    func together() {
        // The buffer holds two of the largest frames: these are smaller, so that it holds three.
        let frames = Self.frames(3)
        #expect(frames.joined().count <= FrameReader.bufferCount(maximumPayload: 96))
        let reading = Reading(frames.flatMap { $0 })
        #expect(reading.asSent == frames)
    }

    @Test(
        "bytes between frames are counted and passed over", arguments: [1, 2, 7, 39, 40, 41, 500])
    func garbage(count: Int) {
        // Bytes that begin like a magic but go on otherwise are in it.
        let noise = Array(Array("MEBMEMMEB2xyz".utf8).map { [$0] }.joined())
        let garbage = (0..<count).map { noise[$0 % noise.count] } + [0]
        let frames = Self.frames(2)
        let stream = garbage + frames[0] + garbage + frames[1] + garbage
        for size in [1, 13, stream.count] {
            let reading = Reading(stream, pieces: [size])
            #expect(reading.asSent == frames, "pieces of \(size)")
            #expect(reading.skippedBytes == 3 * garbage.count)
            #expect(reading.rejections == [])
        }
    }

    @Test("a magic, or a whole frame, inside a payload changes nothing")
    func magicInside() {
        let inner = frameBytes(frameHeader(9, shots: 1))
        let payload = Array("MEB1".utf8) + inner + Array(repeating: UInt8(ascii: "M"), count: 36)
        let header = frameHeader(0, shots: 6)
        let frame = frameBytes(header, payload: payload)
        let next = frameBytes(frameHeader(3, shots: 2))
        for size in [1, 7, 1000] {
            let reading = Reading(frame + next, pieces: [size])
            #expect(reading.asSent == [frame, next])
            #expect(reading.rejections == [] && reading.skippedBytes == 0)
        }
    }

    @Test("frames after one that was cut short are found")
    func truncated() {
        let frames = Self.frames(4)
        for length in 1..<frames[1].count {
            let stream = frames[0] + frames[1].prefix(length) + frames[2] + frames[3]
            for size in [5, stream.count] {
                let reading = Reading(stream, pieces: [size])
                #expect(reading.asSent == [frames[0], frames[2], frames[3]], "\(length)")
                #expect(reading.frames.map(\.shotsDroppedBefore) == [0, 3, 0])
            }
        }
    }

    @Test("a frame with any one bit changed is not passed on, and those around it are")
    func bitFlips() {
        let frames = Self.frames(4)
        for bit in 0..<frames[1].count * 8 {
            var changed = frames
            changed[1][bit / 8] ^= 1 << (bit % 8)
            let reading = Reading(changed.flatMap { $0 })
            #expect(reading.asSent == [frames[0], frames[2], frames[3]], "bit \(bit)")
            #expect(reading.frames.map(\.shotsDroppedBefore) == [0, 3, 0])
        }
    }
}

@Suite(
    "Frames that may not be passed on: of another shape, encoding or purpose")
struct FrameRejectionTests {
    struct Wrong: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let rejection: FrameReader.Rejection
        let bytes: [UInt8]
    }

    /// A frame whose header was changed in any way, with a checksum that holds.
    private static func sealed(_ change: (inout [UInt8]) -> Void) -> [UInt8] {
        var bytes = frameBytes(frameHeader(1))
        change(&bytes)
        for index in 36..<40 { bytes[index] = 0 }
        let crc = bytes.reduce(UInt32.max) { crc, byte in
            (0..<8).reduce(crc ^ UInt32(byte)) { crc, _ in
                crc & 1 == 1 ? crc >> 1 ^ 0x82f6_3b78 : crc >> 1
            }
        }
        for index in 0..<4 { bytes[36 + index] = UInt8(truncatingIfNeeded: ~crc >> (8 * index)) }
        return bytes
    }

    private static func changed(_ change: (inout FrameHeader) -> Void) -> [UInt8] {
        var header = frameHeader(1)
        change(&header)
        return frameBytes(header)
    }

    private static let wrong = [
        Wrong(
            testDescription: "another version", rejection: .header(.version(2)),
            bytes: sealed { $0[4] = 2 }),
        Wrong(
            testDescription: "unknown flags", rejection: .header(.flags(0x82)),
            bytes: sealed { $0[5] = 0x82 }),
        Wrong(
            testDescription: "no shots", rejection: .header(.size),
            bytes: sealed {
                $0[12] = 0
                $0[32] = 0
            }),
        Wrong(
            testDescription: "more shots than bytes", rejection: .header(.size),
            bytes: sealed { $0[15] = 0xff }),
        Wrong(
            testDescription: "a size that overflows to the right one", rejection: .header(.size),
            bytes: sealed { $0[15] = 0x10 }),
        Wrong(
            testDescription: "no words", rejection: .header(.size), bytes: sealed { $0[6] = 0 }),
        Wrong(
            testDescription: "more lanes", rejection: .shape,
            bytes: changed { $0.wordsPerShot = 3 }),
        Wrong(
            testDescription: "fewer lanes", rejection: .shape,
            bytes: changed { $0.wordsPerShot = 1 }),
        Wrong(
            testDescription: "larger than the board's largest", rejection: .shape,
            bytes: changed { $0.shots = 7 }),
        Wrong(
            testDescription: "the other encoding", rejection: .shape,
            bytes: changed { $0.flags = [] }),
        Wrong(
            testDescription: "a link-test pattern", rejection: .pattern,
            bytes: changed { $0.flags.insert(.pattern) }),
        Wrong(
            testDescription: "a checksum of something else", rejection: .checksum,
            bytes: sealed { $0[50] = 1 }.enumerated().map { $0 == 50 ? 2 : $1 }),
        Wrong(
            testDescription: "a last shot beyond the largest index", rejection: .outOfSequence,
            bytes: changed { $0.firstShot = .max - 1 }),
    ]

    @Test(
        "each is rejected for its own reason, and the frames around it are passed on",
        arguments: wrong)
    func rejected(wrong: Wrong) {
        let (before, after) = (frameBytes(frameHeader(0)), frameBytes(frameHeader(2)))
        let stream = before + wrong.bytes + after
        for size in [1, 11, stream.count] {
            let reading = Reading(stream, pieces: [size])
            #expect(reading.asSent == [before, after])
            #expect(reading.rejections == [wrong.rejection])
            #expect(reading.frames.map(\.shotsDroppedBefore) == [0, 3])
        }
    }

    @Test("a rejected first frame sets no expectation of order")
    func rejectedFirst() {
        let pattern = Self.changed {
            $0.sequence = 1000
            $0.firstShot = 90_000
            $0.flags.insert(.pattern)
        }
        let frame = frameBytes(frameHeader(0))
        #expect(Reading(pattern + frame).asSent == [frame])
    }

    @Test("states are accepted from a board that sends states")
    func statesEncoding() {
        let board = testBoard()
        let states = BoardDescription(
            kind: board.kind, provenance: board.provenance, serial: "", path: "", firmware: "",
            lanes: 128, encoding: .states, operatingPoint: board.operatingPoint, maximumPayload: 96)
        let frame = Self.changed { $0.flags = [.last] }
        #expect(Reading(frame, board: states).asSent == [frame])
        #expect(Reading(frameBytes(frameHeader(1)), board: states).rejections == [.shape])
    }
}

// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import TestMaterials
import TestSupport
import Testing

@Suite(
    "Order of frames: duplicates, wrong order, gaps, shots that a frame says were dropped, numbers that wrap"
)
struct FrameOrderTests {
    /// One frame of 3 shots, and what becomes of it.
    struct Step: Sendable {
        let sequence: UInt32
        let firstShot: UInt64
        let header: UInt32
        let dropped: UInt64?

        /// - Parameters:
        ///   - header: what the frame itself says was dropped.
        ///   - dropped: what it is passed on with; nil when it is rejected.
        static func frame(
            _ sequence: UInt32, at firstShot: UInt64, says header: UInt32 = 0, dropped: UInt64?
        ) -> Step {
            Step(sequence: sequence, firstShot: firstShot, header: header, dropped: dropped)
        }
    }

    struct Script: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let steps: [Step]

        init(_ description: String, _ steps: [Step]) {
            testDescription = description
            self.steps = steps
        }
    }

    private static let half: UInt32 = 1 << 31

    private static let scripts = [
        Script(
            "a stream may begin anywhere",
            [.frame(77, at: 900, dropped: 0), .frame(78, at: 903, dropped: 0)]),
        Script(
            "what the first frame says was dropped is passed on",
            [.frame(0, at: 0, says: 12, dropped: 12), .frame(1, at: 3, dropped: 0)]),
        Script(
            "gaps add up: what is missing of a start has a bound, however many gaps it is",
            [
                .frame(0, at: 0, dropped: 0), .frame(1, at: 3 + (1 << 39), dropped: 1 << 39),
                .frame(2, at: 6 + (1 << 40), dropped: 1 << 39), .frame(3, at: 10 + (1 << 40), dropped: nil),
                .frame(3, at: 9 + (1 << 40), says: 1, dropped: nil), .frame(3, at: 9 + (1 << 40), dropped: 0),
            ]),
        Script(
            "a frame that came before is rejected",
            [
                .frame(5, at: 15, dropped: 0), .frame(5, at: 15, dropped: nil),
                .frame(6, at: 18, dropped: 0), .frame(6, at: 18, dropped: nil),
                .frame(5, at: 15, dropped: nil), .frame(7, at: 21, dropped: 0),
            ]),
        Script(
            "of frames in the wrong order the late one is rejected, and its shots count as a gap",
            [
                .frame(0, at: 0, dropped: 0), .frame(2, at: 6, dropped: 3),
                .frame(1, at: 3, dropped: nil), .frame(3, at: 9, dropped: 0),
            ]),
        Script(
            "a gap is what is missing or what the frame says, whichever is more",
            [
                .frame(0, at: 0, dropped: 0), .frame(4, at: 103, dropped: 100),
                .frame(9, at: 206, says: 100, dropped: 100),
                .frame(10, at: 219, says: 7, dropped: 10),
                .frame(11, at: 222, says: 50, dropped: 50),
            ]),
        Script(
            "new numbers do not excuse old shots, nor new shots old numbers",
            [
                .frame(10, at: 30, dropped: 0), .frame(11, at: 32, dropped: nil),
                .frame(11, at: 0, dropped: nil), .frame(10, at: 33, dropped: nil),
                .frame(9, at: 60, dropped: nil), .frame(11, at: 33, dropped: 0),
            ]),
        Script(
            "numbers wrap at 2^32",
            [
                .frame(.max - 1, at: 0, dropped: 0), .frame(.max, at: 3, dropped: 0),
                .frame(0, at: 6, dropped: 0), .frame(.max, at: 9, dropped: nil),
                .frame(1, at: 9, dropped: 0),
            ]),
        Script(
            "a frame may be lost at the wrap",
            [.frame(.max, at: 3, dropped: 0), .frame(1, at: 9, dropped: 3)]),
        Script(
            "less than half the circle of numbers is ahead, the rest is behind",
            [
                .frame(0, at: 0, dropped: 0), .frame(1 + half, at: 3, dropped: nil),
                .frame(half, at: 3, dropped: 0),
            ]),
        Script(
            "the index of a shot may use all its bits",
            [
                .frame(0, at: 0xffff_ffff_fffe_0000, dropped: 0),
                .frame(1, at: 0xffff_ffff_ffff_0000, dropped: 0xfffd),
                .frame(2, at: 3, dropped: nil),
            ]),
        Script(
            "a gap of more than 2⁴⁰ shots is none, and the stream goes on without the frame",
            [
                .frame(0, at: 0, dropped: 0),
                .frame(1, at: 0xffff_ffff_ffff_0000, dropped: nil),
                .frame(1, at: (1 << 40) + 4, dropped: nil),
                .frame(1, at: (1 << 40) + 3, dropped: 1 << 40),
                .frame(2, at: (1 << 40) + 6, dropped: 0),
            ]),
    ]

    private static func bytes(_ step: Step) -> [UInt8] {
        var header = frameHeader(step.sequence)
        header.firstShot = step.firstShot
        header.droppedBefore = step.header
        return frameBytes(header)
    }

    @Test("frames are passed on in order, once, with the gap before them", arguments: scripts)
    func order(script: Script) {
        let stream = script.steps.map(Self.bytes)
        let expected = zip(stream, script.steps).filter { $1.dropped != nil }
        for size in [17, 10_000] {
            let reading = Reading(stream.flatMap { $0 }, pieces: [size])
            #expect(reading.asSent == expected.map(\.0))
            #expect(reading.frames.map(\.shotsDroppedBefore) == expected.compactMap(\.1.dropped))
            #expect(reading.rejections.allSatisfy { $0 == .outOfSequence })
            #expect(reading.rejections.count == stream.count - expected.count)
            #expect(reading.skippedBytes == 0)
        }
    }
}

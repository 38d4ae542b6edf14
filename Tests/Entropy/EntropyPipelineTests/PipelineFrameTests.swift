// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import EntropyPipeline
import EntropyRing
import EntropyTerms
import PlaneTestSupport
import Synchronization
import TestSupport
import Testing

@Suite(
    "Frames into a pipeline: corrupted, truncated, reordered, repeated and missing ones; exact output and counters"
)
struct PipelineFrameTests {
    /// A fault of the stream: what it does to the frames of a window, which of the window's quarters
    /// still count, and what the counters have to say.
    struct Fault: Sendable, CustomTestStringConvertible {
        let name: String
        var quarters = 0..<4
        var rejected: UInt64 = 0
        var skipped: UInt64 = 0
        var dropped: UInt64 = 0
        /// Puts the fault into the four frames of a window, of 2,088 bytes each.
        let apply: @Sendable ([[UInt8]]) -> [[UInt8]]

        var testDescription: String { name }
    }

    private static let faultyStreams = [
        Fault(name: "a corrupted frame", quarters: 1..<4, rejected: 1, skipped: 2087, dropped: 256) {
            [flipping(bit: 5, of: 100, in: $0[0])] + $0[1...]
        },
        Fault(name: "a corrupted magic", quarters: 1..<4, skipped: 2088, dropped: 256) {
            [flipping(bit: 0, of: 1, in: $0[0])] + $0[1...]
        },
        Fault(name: "a truncated frame", quarters: 1..<4, rejected: 1, skipped: 999, dropped: 256) {
            [Array($0[0].prefix(1000))] + $0[1...]
        },
        Fault(name: "two frames in the wrong order", quarters: 1..<4, rejected: 1, dropped: 256) {
            [$0[1], $0[0], $0[2], $0[3]]
        },
        Fault(name: "a frame twice", rejected: 1) { [$0[0], $0[0], $0[1], $0[2], $0[3]] },
        Fault(name: "all frames twice", rejected: 4) { $0 + $0 },
        Fault(name: "a missing frame", quarters: 1..<4, dropped: 256) { Array($0[1...]) },
        Fault(name: "bytes between frames", skipped: 77) {
            [[UInt8](repeating: 0x41, count: 77)] + $0
        },
        Fault(name: "frames in pieces") { frames in
            let bytes = frames.flatMap { $0 }
            return stride(from: 0, to: bytes.count, by: 7).map { start in
                Array(bytes[start..<min(start + 7, bytes.count)])
            }
        },
        Fault(name: "frames in one piece") { [$0.flatMap { $0 }] },
    ]

    @Test("count up to a bound, which every reader takes, and never beyond")
    func totals() {
        let total = Atomic<UInt64>(0)
        for count in [5, (1 << 53) - 5, 1, .max, .max] as [UInt64] { total.addToTotal(count) }
        #expect(total.load(ordering: .relaxed) == 1 << 53)
        total.store(.max, ordering: .relaxed)
        total.addToTotal(1)
        #expect(Int(clamping: total.load(ordering: .relaxed)) == .max)
    }

    @Test(
        "are used once and in order whatever happens to them, and the counters tell",
        arguments: faultyStreams)
    func faults(_ fault: Fault) throws {
        var maker = WindowMaker(lanes: 64)
        try PipelineRig().run { rig in
            var frames = FrameMaker(rig.description)
            var rows: [UInt64] = []
            // Four faulty windows, and good ones before and after each.
            for number in 0..<9 {
                let window = maker.window()
                let isFaulty = !number.isMultiple(of: 2)
                let pieces = frames.frames(window)
                for piece in isFaulty ? fault.apply(pieces) : pieces {
                    rig.board.add(.bytes(piece))
                }
                let quarters = isFaulty ? fault.quarters : 0..<4
                rows += window[(quarters.lowerBound * 256)..<(quarters.upperBound * 256)]
            }
            try rig.settle()
            let counters = rig.pipeline.counters
            #expect(counters.framesRejected.load(ordering: .relaxed) == 4 * fault.rejected)
            #expect(counters.bytesSkipped.load(ordering: .relaxed) == 4 * fault.skipped)
            #expect(counters.shotsDropped.load(ordering: .relaxed) == 4 * fault.dropped)
            #expect(counters.framesAccepted.load(ordering: .relaxed) == UInt64(rows.count / 256))
            expectOutput(of: rig, rows)
        }
    }

    @Test("that tell of dropped shots, or come after a gap, have that counted and reported")
    func gaps() throws {
        var maker = WindowMaker(lanes: 64)
        try PipelineRig().run { rig in
            var frames = FrameMaker(rig.description)
            func send(droppedBefore: UInt32 = 0) {
                let rows = Array(maker.window()[..<256])
                rig.board.add(.bytes(frames.frame(rows, droppedBefore: droppedBefore)))
            }
            send()
            send(droppedBefore: 7)
            frames.skip(frames: 2, shots: 512)
            send()
            // The board says less than what is missing: the larger number counts.
            frames.skip(frames: 1, shots: 100)
            send(droppedBefore: 50)
            try rig.settle()
            #expect(rig.pipeline.counters.shotsDropped.load(ordering: .relaxed) == 619)
            let reported = rig.events.compactMap {
                if case .shotsDropped(let count) = $0 { count } else { nil }
            }
            #expect(reported == [7, 512, 100])
        }
    }

    /// Compares what is in the rings with what the shots that came through have to make.
    private func expectOutput(of rig: PipelineRig, _ rows: [UInt64]) {
        let windows = stride(from: 2 * 1024, through: rows.count - 1024, by: 1024).map {
            bits(of: Array(rows[$0..<$0 + 1024]), lanes: .all, words: 1)
        }
        let raw = rig.source.takeAll(.raw)
        let full = rig.source.takeAll(.full)
        let expected = ExpectedOutput(windows: windows, raw: raw, inputBytes: 50)
        let isExpected = expected.rawIsWhole && full == expected.full
        #expect(isExpected)
        #expect(windows.count >= 5 && !raw.isEmpty && !full.isEmpty)
    }
}

private func flipping(bit: Int, of byte: Int, in frame: [UInt8]) -> [UInt8] {
    var frame = frame
    frame[byte] ^= 1 << UInt8(bit)
    return frame
}

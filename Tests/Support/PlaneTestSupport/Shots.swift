// SPDX-License-Identifier: Apache-2.0

package import BoardProtocol
package import EntropyTerms
import LaneHealth
import TestSupport

extension BoardDescription {
    /// A board for tests.
    package static func test(
        lanes: Int = 64, provenance: Provenance = .hardware, shotsPerFrame: Int = 256
    ) -> BoardDescription {
        BoardDescription(
            kind: "scripted", provenance: provenance, serial: "T-1", path: "test", firmware: "1.0",
            lanes: lanes, encoding: .toggles,
            operatingPoint: OperatingPoint(
                amplitudeMillivolts: 1, pulseWidthPicoseconds: 1, biasFieldMicrotesla: 1),
            maximumPayload: shotsPerFrame * lanes / 8)
    }
}

/// Makes windows of shots: fair and independent bits, the same in every run.
package struct WindowMaker: Sendable {
    private let words: Int
    private var generator: TestGenerator

    package init(lanes: Int, seed: UInt64 = 1) {
        words = lanes / 64
        generator = TestGenerator(seed: seed)
    }

    /// The rows of a window, one after another.
    ///
    /// - Parameters:
    ///   - stuck: the lanes that are 1 in all shots.
    ///   - ending: the lanes that are 0 in the first shot: a run of ones before it ends there.
    package mutating func window(
        stuck: some Sequence<Int> = [], ending: some Sequence<Int> = []
    ) -> [UInt64] {
        let ones = mask(stuck)
        var rows = (0..<HealthCutoffs.windowShots * words).map {
            generator.next() | ones[$0 % words]
        }
        for (word, zeros) in mask(ending).enumerated() { rows[word] &= ~zeros }
        return rows
    }

    /// Several windows.
    package mutating func windows(_ count: Int, stuck: some Sequence<Int> = []) -> [[UInt64]] {
        (0..<count).map { _ in window(stuck: stuck) }
    }

    private func mask(_ lanes: some Sequence<Int>) -> [UInt64] {
        var mask = [UInt64](repeating: 0, count: words)
        for lane in lanes { mask[lane / 64] |= 1 << (lane % 64) }
        return mask
    }
}

/// Makes MEB/1 frames that follow one another.
package struct FrameMaker: Sendable {
    package var sequence: UInt32 = 0
    package var nextShot: UInt64 = 0
    private let words: Int
    private let shotsPerFrame: Int

    package init(_ board: BoardDescription) {
        words = board.wordsPerShot
        shotsPerFrame = board.maximumPayload / (8 * board.wordsPerShot)
    }

    /// The frames that hold `rows`.
    package mutating func frames(_ rows: [UInt64]) -> [[UInt8]] {
        stride(from: 0, to: rows.count, by: shotsPerFrame * words).map { start in
            frame(Array(rows[start..<min(start + shotsPerFrame * words, rows.count)]))
        }
    }

    /// One frame.
    package mutating func frame(
        _ rows: [UInt64], flags: FrameHeader.Flags = .toggleEncoded, droppedBefore: UInt32 = 0
    ) -> [UInt8] {
        let header = FrameHeader(
            flags: flags, wordsPerShot: UInt16(words), sequence: sequence,
            shots: UInt32(rows.count / words), firstShot: nextShot, temperature: 2512,
            droppedBefore: droppedBefore)
        let payload = rows.map(\.littleEndian).withUnsafeBytes { Array($0) }
        var bytes = [UInt8](repeating: 0, count: FrameHeader.byteCount) + payload
        bytes.withUnsafeMutableBytes { header.write(to: $0) }
        sequence &+= 1
        nextShot += UInt64(rows.count / words)
        return bytes
    }

    /// Leaves a gap in the numbers of frames and shots.
    package mutating func skip(frames: UInt32, shots: UInt64) {
        sequence &+= frames
        nextShot += shots
    }
}

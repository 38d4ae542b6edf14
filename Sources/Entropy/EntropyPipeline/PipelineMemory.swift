// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import Conditioning
import LaneHealth
import LinuxPlatform

/// All memory of a pipeline that ever holds bits, in one locked piece.
struct PipelineMemory {
    /// The buffer of the frame reader.
    let frames: UnsafeMutableRawBufferPointer
    /// The health window with its history.
    let window: UnsafeMutableRawBufferPointer
    /// The folded window; empty when nothing is folded.
    let folded: UnsafeMutableRawBufferPointer
    /// The admitted bits of a window. Before them is room for the rest of an earlier window.
    let admitted: UnsafeMutableRawBufferPointer
    /// For each channel, the rest of its last window that did not fill a block.
    let rests: [UnsafeMutableRawBufferPointer]
    // Keeps the parts alive.
    private let whole: LockedMemory

    /// Bytes before the admitted bits of a window.
    static let restRoom = BlockFunctions.inputLimit
    /// Bytes that compaction may write behind the last bit.
    private static let compactionSlack = 8

    private static func admittedCount(lanes: Int) -> Int {
        restRoom + HealthCutoffs.windowShots * lanes / 8 + compactionSlack
    }

    init(
        board: BoardDescription, cutoffs: HealthCutoffs, fold: LaneFold, channels: Int,
        locked: Bool
    ) throws(SystemError) {
        let counts =
            [
                FrameReader.bufferCount(maximumPayload: board.maximumPayload),
                HealthWindow.byteCount(lanes: board.lanes, cutoffs: cutoffs),
                fold.byteCount(shots: HealthCutoffs.windowShots, words: board.wordsPerShot),
                Self.admittedCount(lanes: board.lanes),
            ] + [Int](repeating: Self.restRoom, count: channels)
        let aligned = counts.map { ($0 + 63) & ~63 }
        whole = try LockedMemory(count: aligned.reduce(0, +), locked: locked)
        var start = 0
        var parts: [UnsafeMutableRawBufferPointer] = []
        for (count, room) in zip(counts, aligned) {
            parts.append(
                UnsafeMutableRawBufferPointer(rebasing: whole.bytes[start..<start + count]))
            start += room
        }
        (frames, window, folded, admitted) = (parts[0], parts[1], parts[2], parts[3])
        rests = Array(parts[4...])
    }
}

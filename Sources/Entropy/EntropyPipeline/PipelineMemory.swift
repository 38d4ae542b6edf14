// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import Conditioning
import LaneHealth
import LinuxPlatform

/// All memory of a pipeline that ever holds bits, in one locked piece: the frame buffer, the window
/// with its history, the folded window, and the admitted bits on their way to a ring.
struct PipelineMemory {
    let frames: UnsafeMutableRawBufferPointer
    let window: UnsafeMutableRawBufferPointer
    /// Empty when nothing is folded.
    let folded: UnsafeMutableRawBufferPointer
    let admitted: UnsafeMutableRawBufferPointer
    // Keeps the four alive.
    private let whole: LockedMemory

    /// Bits a window can admit, the rest of the window before, and what compaction writes beyond.
    private static func admittedCount(lanes: Int) -> Int {
        HealthCutoffs.windowShots * lanes / 8 + 1024 + 8
    }

    init(
        board: BoardDescription, cutoffs: HealthCutoffs, fold: LaneFold, locked: Bool
    ) throws(SystemError) {
        let counts = [
            FrameReader.bufferCount(maximumPayload: board.maximumPayload),
            HealthWindow.byteCount(lanes: board.lanes, cutoffs: cutoffs),
            fold.byteCount(shots: HealthCutoffs.windowShots, words: board.wordsPerShot),
            Self.admittedCount(lanes: board.lanes),
        ]
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
    }
}

// SPDX-License-Identifier: Apache-2.0

import CEntropyKernels
import CKernelSupport
import Conditioning
import EntropyRing
import EntropyTerms
import LaneHealth
import LinuxPlatform

/// Turns the admitted bits of judged windows into bytes in a ring.
///
/// A window goes to one grade as a whole, so that no bit is ever used for both. What is left of a
/// window that does not fill a block of `full` waits for the next one. Not thread-safe.
final class WindowDisposal {
    private let source: EntropySource
    private let conditioner: SHA256Conditioner
    private let fold: LaneFold
    /// Of a folded bit.
    private let entropyPerBit: Double
    private let folded: UnsafeMutableRawBufferPointer
    private let admitted: UnsafeMutableRawBufferPointer
    private let features = ck_features_here()
    /// Bytes at the start of `admitted` that wait for the next window of grade `full`.
    private var leftover = 0

    init(source: EntropySource, settings: PipelineSettings, memory: PipelineMemory) {
        self.source = source
        fold = settings.fold
        entropyPerBit = fold.entropyPerBit(claimed: settings.claimedEntropyPerBit)
        folded = memory.folded
        admitted = memory.admitted
        conditioner = SHA256Conditioner(claimedEntropyPerBit: entropyPerBit)
    }

    /// Reduces the lanes that may be used to those that are left after folding.
    ///
    /// - Parameter lanes: a bit each, `words` words; those of the folded lanes are at its beginning then.
    /// - Returns: how many there are.
    func foldMask(_ lanes: UnsafeMutablePointer<UInt64>, words: Int) -> Int {
        if fold.parts > 1 { fold.fold(mask: lanes, words: words) }
        return (0..<words / fold.parts).reduce(0) { $0 + lanes[$1].nonzeroBitCount }
    }

    /// The grade whose ring has room for a window and is the emptier, in proportion; nil when
    /// neither has room.
    ///
    /// - Parameter lanes: how many folded lanes of the window are used.
    func gradeWithRoom(lanes: Int) -> Grade? {
        let bytes = HealthCutoffs.windowShots * lanes / 8
        let blocks = conditioner.blocks(from: leftover + bytes)
        let rawFits = source.raw.free >= bytes
        let fullFits = source.full.free >= blocks * SHA256Conditioner.blockBytes
        switch (rawFits, fullFits) {
        case (false, false): return nil
        case (true, false): return .raw
        case (false, true): return .full
        case (true, true): return Self.fill(source.raw) < Self.fill(source.full) ? .raw : .full
        }
    }

    private static func fill(_ ring: EntropyRing) -> Double {
        1 - Double(ring.free) / Double(ring.capacity)
    }

    /// Moves a judged window's bits into the ring of `grade`, which has room for them.
    ///
    /// - Parameter lanes: the folded lanes to use, a bit each.
    /// - Returns: bits of min-entropy that were credited to blocks of `full`.
    func dispose(_ window: HealthWindow, lanes: UnsafePointer<UInt64>, to grade: Grade) -> Int {
        guard let base = admitted.baseAddress else { return 0 }
        let start = base.assumingMemoryBound(to: UInt8.self)
        let bits = compact(window, lanes: lanes, into: start + leftover)
        // Fewer than 8 bits are lost here in a window.
        let bytes = bits / 8
        switch grade {
        case .raw:
            publishRaw(UnsafeMutableRawBufferPointer(start: start + leftover, count: bytes))
            return 0
        case .full:
            return publishFull(start, count: leftover + bytes)
        case .expand:
            preconditionFailure("no window is disposed of as expand")
        }
    }

    /// - Returns: how many bits were written.
    private func compact(
        _ window: HealthWindow, lanes: UnsafePointer<UInt64>,
        into bytes: UnsafeMutablePointer<UInt8>
    ) -> Int {
        guard fold.parts > 1, let start = folded.baseAddress else {
            return ck_compact_rows(
                features, window.rows, window.stride, window.words, HealthCutoffs.windowShots,
                lanes,
                bytes)
        }
        let rows = start.assumingMemoryBound(to: UInt64.self)
        let words = window.words / fold.parts
        fold.fold(
            rows: window.rows, stride: window.stride, words: window.words,
            shots: HealthCutoffs.windowShots, into: rows)
        defer { wipe(folded) }
        return ck_compact_rows(
            features, rows, words, words, HealthCutoffs.windowShots, lanes, bytes)
    }

    /// Forgets the rest that waits, for it came from before an interruption.
    func reset() {
        leftover = 0
        wipe(admitted)
    }

    private func publishRaw(_ bytes: UnsafeMutableRawBufferPointer) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let span = source.raw.writableSpan()
            let part = rest.prefix(span.count)
            span.copyMemory(from: UnsafeRawBufferPointer(rebasing: part))
            source.publish(part.count, in: source.raw)
            rest = rest.dropFirst(part.count)
        }
        wipe(bytes)
    }

    private func publishFull(_ start: UnsafeMutablePointer<UInt8>, count: Int) -> Int {
        let block = SHA256Conditioner.blockBytes
        let blocks = conditioner.blocks(from: count)
        var done = 0
        while done < blocks {
            let span = source.full.writableSpan()
            // A ring's capacity is a whole number of blocks, so that no block is cut by its end.
            let batch = min(blocks - done, span.count / block)
            conditioner.condition(
                start + done * conditioner.inputBytes,
                into: UnsafeMutableRawBufferPointer(rebasing: span[..<(batch * block)]))
            source.publish(batch * block, in: source.full)
            done += batch
        }
        let used = blocks * conditioner.inputBytes
        leftover = count - used
        UnsafeMutableRawPointer(start).copyMemory(from: start + used, byteCount: leftover)
        wipe(UnsafeMutableRawBufferPointer(start: start + leftover, count: used))
        return Int(Double(used * 8) * entropyPerBit)
    }
}

// SPDX-License-Identifier: Apache-2.0

import CEntropyKernels
import CKernelSupport
import Conditioning
import EntropyRing
import EntropyTerms
import LaneHealth
import LinuxPlatform

/// Turns the admitted bits of judged windows into bytes in the rings.
///
/// A window goes to one channel as a whole, so that no bit is ever used for two grades. The rest of a
/// window that does not fill a block of its channel waits for the next window of that channel.
///
/// For the pipeline's thread. Allocates nothing after `init`.
final class WindowDisposal {
    private let source: EntropySource
    private let outlets: [Outlet]
    private let fold: LaneFold
    private let folded: UnsafeMutableRawBufferPointer
    private let admitted: UnsafeMutableRawBufferPointer
    /// Where the bits of a window go within `admitted`.
    private let bits: UnsafeMutablePointer<UInt8>
    private let words: Int
    private let features = ck_features_here()

    /// - Parameter words: words of a shot.
    init(source: EntropySource, settings: PipelineSettings, words: Int, memory: PipelineMemory) {
        let entropyPerBit = settings.fold.entropyPerBit(claimed: settings.claimedEntropyPerBit)
        self.source = source
        self.words = words
        fold = settings.fold
        folded = memory.folded
        admitted = memory.admitted
        guard let base = memory.admitted.baseAddress else {
            preconditionFailure("the memory is not empty")
        }
        bits = base.assumingMemoryBound(to: UInt8.self) + PipelineMemory.restRoom
        outlets = zip(source.channels, memory.rests).map { channel, rest in
            Outlet(channel, entropyPerBit: entropyPerBit, rest: rest)
        }
    }

    /// Reduces the lanes that may be used to those that are left after folding.
    ///
    /// - Parameter lanes: a bit each, `words` words; the folded lanes are at its beginning afterwards.
    /// - Returns: the number of folded lanes.
    func foldMask(_ lanes: UnsafeMutablePointer<UInt64>) -> Int {
        if fold.parts > 1 { fold.fold(mask: lanes, words: words) }
        return (0..<words / fold.parts).reduce(0) { $0 + lanes[$1].nonzeroBitCount }
    }

    /// Whether some channel has room for a window.
    ///
    /// - Parameter count: the number of folded lanes of the window that are used.
    func hasRoom(lanes count: Int) -> Bool { outletWithRoom(lanes: count) != nil }

    /// Moves the bits of a judged window into the channel that has room for them and is the emptiest, in
    /// proportion; of equally empty ones into the one of the higher grade.
    ///
    /// - Parameters:
    ///   - lanes: the folded lanes to use, a bit each.
    ///   - count: the number of these lanes.
    /// - Returns: bits of min-entropy that were credited to the blocks of a conditioner; nil when no channel
    ///   has room, and nothing was done.
    func dispose(_ window: HealthWindow, lanes: UnsafePointer<UInt64>, count: Int) -> Int? {
        guard let outlet = outletWithRoom(lanes: count) else { return nil }
        // Fewer than 8 bits of a window are lost here.
        let bytes = compact(window, lanes: lanes) / 8
        return outlet.publish(bits, count: bytes, to: source)
    }

    /// Wipes the rests that wait: they come from before an interruption.
    func reset() {
        for outlet in outlets { outlet.reset() }
        wipe(admitted)
    }

    /// Whether nothing waits for the next window.
    var isEmpty: Bool { outlets.allSatisfy(\.isEmpty) }

    private func outletWithRoom(lanes: Int) -> Outlet? {
        let bytes = HealthCutoffs.windowShots * lanes / 8
        var best: Outlet?
        var leastFill = Double.infinity
        for outlet in outlets where outlet.hasRoom(for: bytes) && outlet.fill <= leastFill {
            best = outlet
            leastFill = outlet.fill
        }
        return best
    }

    /// - Returns: the number of bits written to `bits`.
    private func compact(_ window: HealthWindow, lanes: UnsafePointer<UInt64>) -> Int {
        precondition(window.words == words)
        guard fold.parts > 1, let start = folded.baseAddress else {
            return ck_compact_rows(
                features, window.rows, window.stride, window.words, HealthCutoffs.windowShots,
                lanes, bits)
        }
        let rows = start.assumingMemoryBound(to: UInt64.self)
        let words = window.words / fold.parts
        fold.fold(
            rows: window.rows, stride: window.stride, words: window.words,
            shots: HealthCutoffs.windowShots, into: rows)
        defer { wipe(folded) }
        return ck_compact_rows(
            features, rows, words, words, HealthCutoffs.windowShots, lanes, bits)
    }
}

/// The last step of one grade: makes blocks out of admitted bits and publishes them in its channel.
private final class Outlet {
    private let ring: EntropyRing
    private let function: any BlockFunction
    private let inputBytes: Int
    private let outputBytes: Int
    /// Min-entropy credited to each byte of input; 0 where nothing is conditioned.
    private let creditPerByte: Double
    private let rest: UnsafeMutableRawBufferPointer
    private var restCount = 0

    init(_ channel: EntropyChannel, entropyPerBit: Double, rest: UnsafeMutableRawBufferPointer) {
        ring = channel.ring
        self.rest = rest
        function = Self.function(of: channel.grade, entropyPerBit: entropyPerBit)
        inputBytes = function.inputBytes
        outputBytes = function.outputBytes
        creditPerByte = function is any Conditioner ? 8 * entropyPerBit : 0
        precondition(inputBytes <= rest.count && ring.capacity.isMultiple(of: outputBytes))
    }

    /// What is done to admitted bits to make a grade of them. A new grade is a line here.
    private static func function(of grade: Grade, entropyPerBit: Double) -> any BlockFunction {
        switch grade {
        case .raw: Unconditioned()
        case .full: Conditioners.standard(claimedEntropyPerBit: entropyPerBit)
        case .expand: preconditionFailure("no window is made into expand")
        }
    }

    var isEmpty: Bool { restCount == 0 }

    /// The part of the ring that is in use, from 0 to 1.
    var fill: Double { 1 - Double(ring.free) / Double(ring.capacity) }

    func hasRoom(for bytes: Int) -> Bool {
        ring.free >= function.blocks(from: restCount + bytes) * outputBytes
    }

    /// Publishes the blocks that the rest and `count` new bytes make, keeps what is left, and wipes the input.
    ///
    /// - Parameter bits: the new bytes; the `restRoom` bytes before them are free.
    /// - Returns: bits of min-entropy credited.
    func publish(_ bits: UnsafeMutablePointer<UInt8>, count: Int, to source: EntropySource) -> Int {
        let start = UnsafeMutableRawPointer(bits - restCount)
        start.copyMemory(from: UnsafeRawPointer(restStart), byteCount: restCount)
        let total = restCount + count
        let blocks = function.blocks(from: total)
        publish(blocks, of: bits - restCount, to: source)
        let used = blocks * inputBytes
        keep(start + used, count: total - used)
        wipe(UnsafeMutableRawBufferPointer(start: start, count: total))
        return Int(Double(used) * creditPerByte)
    }

    private func publish(_ blocks: Int, of input: UnsafePointer<UInt8>, to source: EntropySource) {
        var done = 0
        while done < blocks {
            let span = ring.writableSpan()
            // The capacity of a ring is a whole number of blocks, so that its end cuts no block.
            let batch = min(blocks - done, span.count / outputBytes)
            precondition(batch > 0, "there is room for all blocks")
            function.apply(
                to: input + done * inputBytes,
                into: UnsafeMutableRawBufferPointer(rebasing: span[..<(batch * outputBytes)]))
            source.publish(batch * outputBytes, in: ring)
            done += batch
        }
    }

    private func keep(_ bytes: UnsafeMutableRawPointer, count: Int) {
        precondition(count < inputBytes)
        restStart.copyMemory(from: bytes, byteCount: count)
        let old = restCount
        restCount = count
        if old > count {
            wipe(UnsafeMutableRawBufferPointer(rebasing: rest[count..<old]))
        }
    }

    private var restStart: UnsafeMutableRawPointer {
        guard let start = rest.baseAddress else { preconditionFailure("the memory is not empty") }
        return start
    }

    func reset() {
        restCount = 0
        wipe(rest)
    }
}

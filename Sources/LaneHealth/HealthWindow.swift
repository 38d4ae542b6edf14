// SPDX-License-Identifier: Apache-2.0

package import CKernels

/// Gathers the shots of a window and tests them: 1,024 rows, with the rows before them that runs
/// across the window's start need.
///
/// The tests are the repetition count and the adaptive proportion test of SP 800-90B 4.4, on every
/// lane by itself and on every sample. Nothing about them depends on the data: the same work is done
/// for every window. Not thread-safe; allocates nothing after `init`.
package final class HealthWindow {
    /// The rows of the window, each of `stride` words of which the first `words` are lanes.
    package let rows: UnsafeMutablePointer<UInt64>
    package let words: Int
    package let stride: Int
    /// How many ones each lane had, in `CK_COUNT_PLANES` bit planes of `stride` words.
    package let onesPlanes: UnsafeMutablePointer<UInt64>
    /// What the last `test` found.
    package private(set) var findings: WindowFindings
    /// How many shots of the window are there.
    package private(set) var shots = 0

    private let cutoffs: HealthCutoffs
    private let historyShots: Int
    private let scratch: UnsafeMutablePointer<UInt64>
    private let lanesFound: UnsafeMutablePointer<UInt64>
    private let features: ck_features
    private var hasHistory = false

    private static let windowShots = HealthCutoffs.windowShots

    private static func stride(lanes: Int) -> Int {
        let strip = Int(CK_STRIP_WORDS)
        return (lanes / 64 + strip - 1) / strip * strip
    }

    /// How much memory a window takes, in bytes.
    package static func byteCount(lanes: Int, cutoffs: HealthCutoffs) -> Int {
        let stride = stride(lanes: lanes)
        let history = cutoffs.repetitionCountFailure
        let perRow = (history + windowShots + Int(CK_COUNT_PLANES) + 2) * stride
        return (perRow + (history + windowShots) * Int(CK_STRIP_WORDS)) * 8
    }

    /// - Parameters:
    ///   - lanes: a multiple of 64.
    ///   - memory: zeroed, aligned to 64 bytes, of `byteCount` bytes, owned by the caller, for as
    ///     long as the window is used.
    ///   - features: which instructions the kernels may use.
    package init(
        lanes: Int, cutoffs: HealthCutoffs, memory: UnsafeMutableRawBufferPointer,
        features: ck_features = ck_features_here()
    ) {
        precondition(memory.count >= Self.byteCount(lanes: lanes, cutoffs: cutoffs))
        self.cutoffs = cutoffs
        self.features = features
        words = lanes / 64
        stride = Self.stride(lanes: lanes)
        historyShots = cutoffs.repetitionCountFailure
        findings = WindowFindings(words: words)
        let all = memory.bindMemory(to: UInt64.self)
        guard let base = all.baseAddress else { preconditionFailure("the memory is not empty") }
        rows = base + historyShots * stride
        onesPlanes = rows + Self.windowShots * stride
        lanesFound = onesPlanes + Int(CK_COUNT_PLANES) * stride
        scratch = lanesFound + 2 * stride
    }

    package var isFull: Bool { shots == Self.windowShots }

    /// Takes rows of `words` words until the window is full.
    ///
    /// - Returns: how many bytes were taken, a whole number of rows.
    package func append(_ payload: UnsafeRawBufferPointer) -> Int {
        let rowBytes = words * 8
        let count = min(payload.count / rowBytes, Self.windowShots - shots)
        guard let source = payload.baseAddress else { return 0 }
        let target = UnsafeMutableRawPointer(rows + shots * stride)
        if words == stride {
            target.copyMemory(from: source, byteCount: count * rowBytes)
        } else {
            for row in 0..<count {
                (target + row * stride * 8).copyMemory(
                    from: source + row * rowBytes, byteCount: rowBytes)
            }
        }
        shots += count
        return count * rowBytes
    }

    /// Tests the full window; the result is in `findings` and `onesPlanes`.
    package func test() {
        precondition(isFull)
        if !hasHistory { makeHistory() }
        ck_count_ones(features, rows, stride, onesPlanes)
        compareCounts(with: cutoffs.adaptiveProportionWarning)
        copyLanesFound(to: &findings.adaptiveProportionWarning)
        compareCounts(with: cutoffs.adaptiveProportionFailure)
        copyLanesFound(to: &findings.adaptiveProportionFailure)
        ck_find_runs(
            features, rows, stride, UInt32(cutoffs.repetitionCountWarning),
            UInt32(cutoffs.repetitionCountFailure), scratch, lanesFound, lanesFound + stride)
        copyLanesFound(to: &findings.repetitionCountWarning)
        copyLanesFound(skipping: stride, to: &findings.repetitionCountFailure)
    }

    /// Empties the window for the next shots and wipes what the tests no longer need. The last
    /// rows stay as history.
    package func advance() {
        precondition(isFull)
        let kept = historyShots * stride
        let end = Self.windowShots * stride
        // History is at most half a window for every claim allowed, so the two do not overlap.
        (rows - kept).update(from: rows + end - kept, count: kept)
        rows.update(repeating: 0, count: end)
        scratch.update(repeating: 0, count: (historyShots + Self.windowShots) * 8)
        hasHistory = true
        shots = 0
    }

    private func compareCounts(with cutoff: Int) {
        ck_compare_counts(onesPlanes, rows, stride, UInt32(cutoff), lanesFound)
    }

    private func copyLanesFound(skipping: Int = 0, to mask: inout [UInt64]) {
        for word in mask.indices { mask[word] = lanesFound[skipping + word] }
    }

    /// Rows before the first one that equal neither it nor each other, so that no run begins there.
    private func makeHistory() {
        for word in 0..<stride {
            for back in 1...historyShots {
                rows[word - back * stride] = back.isMultiple(of: 2) ? rows[word] : ~rows[word]
            }
        }
    }
}

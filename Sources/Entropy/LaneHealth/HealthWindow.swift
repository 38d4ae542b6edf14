// SPDX-License-Identifier: Apache-2.0

import CEntropyKernels
package import CKernelSupport

/// Gathers the shots of a window and tests them: 1,024 rows, with the rows before them that runs
/// across the window's start need.
///
/// The tests are those of `HealthTest.windowTests`, on every lane by itself and on every sample. How long they take
/// tells in how many lanes some 16 samples in a row were equal, and how many rows `BlockMemory` chose, and nothing else
/// about the bits. For one thread; allocates nothing after `init`.
package final class HealthWindow {
    /// The rows of the window, each of `stride` words of which the first `words` are lanes.
    package let rows: UnsafeMutablePointer<UInt64>
    package let words: Int
    package let stride: Int
    /// How many ones each lane had, in `CK_COUNT_PLANES` bit planes of `stride` words.
    package let onesPlanes: UnsafeMutablePointer<UInt64>
    /// How often each lane differed from the previous shot, and from the majority of its shot.
    package let changePlanes: UnsafeMutablePointer<UInt64>
    package let dissentPlanes: UnsafeMutablePointer<UInt64>
    /// How often each lane differed from the last of the earlier shots, and of the other lanes, that were tried.
    private let lagPlanes: UnsafeMutablePointer<UInt64>
    private let partnerPlanes: UnsafeMutablePointer<UInt64>
    /// The sums over a period of the ones, the changes, and the two before.
    private var periodSums: [OnesTally]
    /// Those of the last whole period.
    package private(set) var horizon: LongHorizon
    /// Whether a period ended with the window that was tested last.
    package private(set) var endsPeriod = false
    private var periodWindows = 0
    /// The lanes that were not in the stream for the whole period, a bit each: nothing is said of them at its end.
    private var periodExceptions: [UInt64]
    private var schedule: PredictorSchedule
    /// What the kernel counts in one go.
    private let predictions: UnsafeMutablePointer<ck_prediction>
    private let blocks: BlockMemory
    /// What `compare` found: see `CrossLaneTest`, and of how many lanes.
    package private(set) var varianceRatio = 0.0
    package private(set) var comparedLanes = 0
    /// The number of shots in which the majority of those lanes was one.
    package private(set) var majorityOnes = 0
    /// Whether `compare` met rows that came before.
    package private(set) var repeatedBlock = LaneFinding.clean
    /// What the last `test` found.
    package private(set) var findings: WindowFindings
    /// How many shots of the window are there.
    package private(set) var shots = 0

    private let cutoffs: HealthCutoffs
    private let tests: [any WindowTest]
    private let historyShots: Int
    private let scratchWords: Int
    /// Room for what a test works with: `scratchWords` words.
    let scratch: UnsafeMutablePointer<UInt64>
    private let lanesFound: UnsafeMutablePointer<UInt64>
    /// The lanes that may have a run.
    let lanesAtRest: UnsafeMutablePointer<UInt64>
    /// How many lanes were one in each shot.
    private let rowOnes: UnsafeMutablePointer<UInt16>
    let features: ck_features
    private var hasHistory = false

    private static let windowShots = HealthCutoffs.windowShots

    private static func stride(lanes: Int) -> Int {
        let strip = Int(CK_STRIP_WORDS)
        return (lanes / 64 + strip - 1) / strip * strip
    }

    /// How many rows before the window the tests look at.
    private static func historyShots(_ cutoffs: HealthCutoffs) -> Int {
        // `ck_find_runs` and `BlockMemory` say how many they need.
        max(
            2 * cutoffs.repetitionCountWarning - 1, PredictorSchedule.longestLag,
            BlockMemory.mostRows(claimedEntropyPerBit: cutoffs.claimedEntropyPerBit))
    }

    /// How many words of `scratch` the tests use.
    private static func scratchWords(_ cutoffs: HealthCutoffs) -> Int {
        3 * cutoffs.repetitionCountWarning * Int(CK_STRIP_WORDS)
    }

    /// How much memory a window takes, in bytes.
    package static func byteCount(lanes: Int, cutoffs: HealthCutoffs) -> Int {
        let stride = stride(lanes: lanes)
        let history = historyShots(cutoffs)
        let perRow = (history + windowShots + 5 * Int(CK_COUNT_PLANES) + 3) * stride
        return (perRow + scratchWords(cutoffs)) * 8 + 2 * windowShots
    }

    /// - Parameters:
    ///   - lanes: a multiple of 64.
    ///   - memory: zeroed, aligned to 64 bytes, of `byteCount` bytes, owned by the caller, for as
    ///     long as the window is used.
    ///   - features: which instructions the kernels may use.
    ///   - random: gives the key of the digests by which rows that come again are found.
    package init(
        lanes: Int, cutoffs: HealthCutoffs, memory: UnsafeMutableRawBufferPointer,
        features: ck_features = ck_features_here(), random: inout some RandomNumberGenerator
    ) {
        precondition(memory.count >= Self.byteCount(lanes: lanes, cutoffs: cutoffs))
        self.cutoffs = cutoffs
        tests = HealthTest.windowTests(cutoffs)
        self.features = features
        words = lanes / 64
        stride = Self.stride(lanes: lanes)
        schedule = PredictorSchedule(words: words, stride: stride)
        blocks = BlockMemory(
            words: words, claimedEntropyPerBit: cutoffs.claimedEntropyPerBit, random: &random)
        periodSums = (0..<4).map { [words] _ in OnesTally(words: words) }
        horizon = LongHorizon(lanes: lanes)
        periodExceptions = [UInt64](repeating: 0, count: words)
        predictions = .allocate(capacity: 2)
        predictions.initialize(repeating: ck_prediction(), count: 2)
        historyShots = Self.historyShots(cutoffs)
        scratchWords = Self.scratchWords(cutoffs)
        findings = WindowFindings(words: words)
        let all = memory.bindMemory(to: UInt64.self)
        guard let base = all.baseAddress else { preconditionFailure("the memory is not empty") }
        rows = base + historyShots * stride
        onesPlanes = rows + Self.windowShots * stride
        changePlanes = onesPlanes + Int(CK_COUNT_PLANES) * stride
        dissentPlanes = changePlanes + Int(CK_COUNT_PLANES) * stride
        lagPlanes = dissentPlanes + Int(CK_COUNT_PLANES) * stride
        partnerPlanes = lagPlanes + Int(CK_COUNT_PLANES) * stride
        lanesFound = partnerPlanes + Int(CK_COUNT_PLANES) * stride
        lanesAtRest = lanesFound + 2 * stride
        scratch = lanesAtRest + stride
        let end = scratch + scratchWords
        rowOnes = UnsafeMutableRawPointer(end).bindMemory(
            to: UInt16.self, capacity: Self.windowShots)
    }

    deinit { predictions.deallocate() }

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

    /// Empties the window and forgets the shots before: those to come do not follow them.
    package func reset() {
        rows.update(repeating: 0, count: shots * stride)
        shots = 0
        hasHistory = false
        blocks.forgetRows()
        forgetPeriod()
    }

    /// Tries as many predictors in each of the next windows as the shortest start-up test of a lane takes.
    ///
    /// - Parameter windows: of that test; nil while no lane is in one.
    package func lanesStart(within windows: Int?) { schedule.startUpWindows = windows }

    /// Leaves lanes out of what is found at the end of the period, because they were not in the stream for a part of it.
    ///
    /// - Parameter lanes: a bit each.
    package func exceptFromPeriod(_ lanes: [UInt64]) {
        for word in periodExceptions.indices { periodExceptions[word] |= lanes[word] }
    }

    /// Tests the full window; the result is in `findings` and `onesPlanes`.
    package func test() {
        precondition(isFull)
        if !hasHistory {
            makeHistory()
            hasHistory = true
        }
        ck_count_lanes(
            features, rows, stride, words, UInt32(cutoffs.repetitionCountWarning), onesPlanes, changePlanes,
            lanesAtRest)
        predictions[0] = schedule.takeLag().counted(into: lagPlanes)
        predictions[1] = schedule.takePartner().counted(into: partnerPlanes)
        ck_count_predictions(features, rows, stride, predictions, 2)
        for test in tests {
            test.find(in: self, warning: lanesFound, failure: lanesFound + stride)
            keep(lanesFound, in: &findings[test.test].warning)
            keep(lanesFound + stride, in: &findings[test.test].failure)
        }
        if endsPeriod { endPeriod() }
    }

    /// Calls `judge` with how often each lane differs from each of the earlier shots, and of the other lanes, that are
    /// due in this window.
    func countPredictions(_ judge: (UnsafePointer<UInt64>) -> Void) {
        // `test` has counted the first of both kinds.
        judge(lagPlanes)
        judge(partnerPlanes)
        let due = schedule.perWindow
        for _ in 1..<due.lags { count(schedule.takeLag(), lagPlanes, judge) }
        for _ in 1..<due.partners { count(schedule.takePartner(), partnerPlanes, judge) }
    }

    private func count(
        _ predictor: Predictor, _ planes: UnsafeMutablePointer<UInt64>, _ judge: (UnsafePointer<UInt64>) -> Void
    ) {
        predictions[0] = predictor.counted(into: planes)
        ck_count_predictions(features, rows, stride, predictions, 1)
        judge(planes)
    }

    /// Adds the counts of the window to those of the period; at its end `judge` is given each sum, and the next begins.
    func countPeriod(_ judge: (OnesTally) -> Void) {
        periodSums[0].add(onesPlanes, stride: stride)
        periodSums[1].add(changePlanes, stride: stride)
        periodSums[2].add(lagPlanes, stride: stride)
        periodSums[3].add(partnerPlanes, stride: stride)
        periodWindows += 1
        endsPeriod = periodWindows * Self.windowShots == HealthCutoffs.longPeriodShots
        guard endsPeriod else { return }
        for sum in periodSums.indices { judge(periodSums[sum]) }
        horizon.endPeriod(&periodSums, except: periodExceptions)
    }

    /// Removes the exceptions from what was found, and begins the next period.
    private func endPeriod() {
        for word in periodExceptions.indices {
            findings[.longPrediction].warning[word] &= ~periodExceptions[word]
            findings[.longPrediction].failure[word] &= ~periodExceptions[word]
        }
        forgetPeriod()
    }

    /// The min-entropy per bit of a lane that the counts of the tested window support, where a test decided about it.
    ///
    /// - Returns: nil for the tests that count nothing of the kind, and where the predictor that told the lane's bits
    ///   is no longer known: of several in a start-up test.
    package func measuredEntropyPerBit(lane: Int, by test: HealthTest) -> Double? {
        switch test {
        case .adaptiveProportion:
            return entropyPerBit(onesPlanes, lane)
        case .prediction:
            let counts: [UnsafePointer<UInt64>] = [
                UnsafePointer(changePlanes), UnsafePointer(lagPlanes), UnsafePointer(partnerPlanes),
            ]
            return counts.compactMap { entropyPerBit($0, lane) }.min()
        case .longPrediction:
            return endsPeriod ? horizon.measurement(lane: lane)?.entropyPerBit : nil
        case .repetitionCount, .resistance, .crossLane, .repeatedBlock:
            return nil
        }
    }

    /// What the count of a lane in a window supports; nil where it did not reach the warning cut-off.
    private func entropyPerBit(_ planes: UnsafePointer<UInt64>, _ lane: Int) -> Double? {
        let count = count(in: planes, ofLane: lane)
        let hits = max(count, Self.windowShots - count)
        guard hits >= cutoffs.adaptiveProportionWarning else { return nil }
        return LongHorizon.entropyPerBit(hits: hits, of: Self.windowShots)
    }

    private func forgetPeriod() {
        for sum in periodSums.indices { periodSums[sum].reset() }
        periodWindows = 0
        for word in periodExceptions.indices { periodExceptions[word] = 0 }
    }

    /// Compares the lanes of the full, tested window with one another, for the monitor and the test across lanes.
    ///
    /// - Parameter lanes: those that count, a bit each in `words` words.
    package func compare(lanes: UnsafePointer<UInt64>) {
        precondition(isFull && hasHistory)
        var statistics = ck_row_statistics()
        ck_compare_lanes(features, rows, stride, words, lanes, rowOnes, dissentPlanes, &statistics)
        comparedLanes = Int(statistics.lanes)
        majorityOnes = Int(statistics.majority_ones)
        varianceRatio = CrossLaneTest.varianceRatio(statistics)
        let isRepeated = blocks.findRepeats(
            rows, stride: stride, lanes: lanes, count: comparedLanes, rowOnes: rowOnes, features: features)
        repeatedBlock = isRepeated ? .failure : .clean
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
        scratch.update(repeating: 0, count: scratchWords)
        rowOnes.update(repeating: 0, count: Self.windowShots)
        shots = 0
    }

    /// The count of one lane in bit planes of the window.
    package func count(in planes: UnsafePointer<UInt64>, ofLane lane: Int) -> Int {
        (0..<Int(CK_COUNT_PLANES)).reduce(0) { total, plane in
            total | Int(planes[plane * stride + lane / 64] >> (lane % 64) & 1) << plane
        }
    }

    private func keep(_ found: UnsafePointer<UInt64>, in mask: inout [UInt64]) {
        for word in mask.indices { mask[word] = found[word] }
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

extension Predictor {
    fileprivate func counted(into planes: UnsafeMutablePointer<UInt64>) -> ck_prediction {
        ck_prediction(back: back, rotation: rotation, planes: planes)
    }
}

// SPDX-License-Identifier: Apache-2.0

import CKernelSupport
import CSimulationKernels
import Glibc
import LaneHealth
import TestMaterials
import TestSupport

/// 512 ideal lanes, made by the kernel for lane sampling: about 2 GB a second.
struct IdealLanes {
    static let count = 512
    private var generator = ck_generator()
    private var strip = ck_chain_strip()
    private(set) var rows = [UInt64](repeating: 0, count: HealthCutoffs.windowShots * count / 64)

    init(seed: UInt64) {
        var random = SeededGenerator(seed)
        withUnsafeMutableBytes(of: &generator) { bytes in
            let words = bytes.bindMemory(to: UInt64.self)
            for index in words.indices { words[index] = random.next() }
        }
        // Half of 2^24 is the highest plane alone.
        let ones = (
            UInt64.max, UInt64.max, UInt64.max, UInt64.max, UInt64.max, UInt64.max, UInt64.max,
            UInt64.max
        )
        strip.p01.23 = ones
        strip.p10.23 = ones
    }

    /// Fills `rows` with the next window.
    mutating func advance() {
        ck_sample_lanes(
            ck_features_here(), &generator, &strip, nil, 0, Self.count / 64,
            HealthCutoffs.windowShots, true, &rows)
    }
}

/// What the health tests show over ideal lanes at one claim.
struct IdealCounts: Sendable {
    fileprivate(set) var windows = 0
    /// At how many samples the repetition count stood at or above its warning cut-off, and in how many
    /// windows of a lane the proportion reached its own.
    fileprivate(set) var repetitionWarnings = 0
    fileprivate(set) var proportionWarnings = 0
    /// The same of the prediction test.
    fileprivate(set) var predictionWarnings = 0
    /// In how many whole long periods of a lane the best predictor was right in so many shots.
    fileprivate(set) var longPeriods = 0
    fileprivate(set) var longExceedances = 0
    /// How many lanes failed, added up over the windows; and in how many windows the test across lanes did.
    fileprivate(set) var failures = 0
    fileprivate(set) var crossLaneFailures = 0
    /// In how many windows a block was found that came before.
    fileprivate(set) var repeatedBlocks = 0
    /// Of each window.
    fileprivate(set) var varianceRatios: [Double] = []

    var laneWindows: Int { windows * IdealLanes.count }
    var samples: Int { laneWindows * HealthCutoffs.windowShots }

    /// A cut-off that the best predictor reaches often enough to be counted: that of a probability of 2^−8.
    static func longHits(claim: Double) -> Int {
        HealthCutoffs.proportion(claim, exponent: 8, samples: HealthCutoffs.longPeriodShots)
    }

    /// Tests the same lanes at several claims.
    ///
    /// - Parameter samples: of all lanes together, rounded up to whole windows.
    static func at(claims: [Double], samples: Int, seed: UInt64) -> [IdealCounts] {
        var runs = claims.map { IdealRun(claim: $0) }
        var lanes = IdealLanes(seed: seed)
        let perWindow = IdealLanes.count * HealthCutoffs.windowShots
        for _ in 0..<(samples + perWindow - 1) / perWindow {
            lanes.advance()
            for run in runs.indices { runs[run].take(lanes.rows) }
        }
        return runs.map(\.counts)
    }
}

/// The health tests at one claim at work.
private struct IdealRun {
    var counts = IdealCounts()
    private let cutoffs: HealthCutoffs
    private let crossLaneTest: CrossLaneTest
    private let owned: OwnedWindow

    init(claim: Double) {
        cutoffs = HealthCutoffs(claimedEntropyPerBit: claim)
        crossLaneTest = CrossLaneTest(claimedEntropyPerBit: claim)
        owned = OwnedWindow(lanes: IdealLanes.count, cutoffs: cutoffs)
    }

    mutating func take(_ rows: [UInt64]) {
        let window = owned.window
        _ = rows.withUnsafeBytes { window.append($0) }
        window.test()
        window.compare(lanes: [UInt64](repeating: .max, count: window.words))
        let found = window.findings
        counts.windows += 1
        counts.proportionWarnings += Self.lanes(in: found[.adaptiveProportion].warning).count
        counts.predictionWarnings += Self.lanes(in: found[.prediction].warning).count
        if window.endsPeriod { countLongPeriod(window) }
        for test in [HealthTest.repetitionCount, .adaptiveProportion, .prediction, .longPrediction] {
            counts.failures += Self.lanes(in: found[test].failure).count
        }
        counts.repeatedBlocks += window.repeatedBlock == .failure ? 1 : 0
        for lane in Self.lanes(in: found[.repetitionCount].warning) {
            counts.repetitionWarnings += samplesInRuns(ofLane: lane)
        }
        let ratio = window.varianceRatio
        counts.varianceRatios.append(ratio)
        let finding = crossLaneTest.finding(ratio: ratio, lanes: window.comparedLanes)
        counts.crossLaneFailures += finding == .failure ? 1 : 0
        window.advance()
    }

    private mutating func countLongPeriod(_ window: HealthWindow) {
        let least = IdealCounts.longHits(claim: cutoffs.claimedEntropyPerBit)
        for lane in 0..<IdealLanes.count {
            guard let entropy = window.horizon.measurement(lane: lane)?.entropyPerBit else { continue }
            let hits = (exp2(-entropy) * Double(HealthCutoffs.longPeriodShots)).rounded()
            counts.longPeriods += 1
            if Int(hits) >= least { counts.longExceedances += 1 }
        }
    }

    private static func lanes(in mask: [UInt64]) -> [Int] {
        guard mask.contains(where: { $0 != 0 }) else { return [] }
        return (0..<mask.count * 64).filter { mask.hasLane($0) }
    }

    /// At how many samples of the window the repetition count of a lane stands at the warning cut-off or
    /// above, by a plain loop that begins in the rows before.
    private func samplesInRuns(ofLane lane: Int) -> Int {
        let window = owned.window
        func sample(_ shot: Int) -> UInt64 {
            window.rows[shot * window.stride + lane / 64] >> (lane % 64) & 1
        }
        let first = -cutoffs.repetitionCountFailure
        var (run, count) = (1, 0)
        for shot in first + 1..<HealthCutoffs.windowShots {
            run = sample(shot) == sample(shot - 1) ? run + 1 : 1
            if shot >= 0, run >= cutoffs.repetitionCountWarning { count += 1 }
        }
        return count
    }
}

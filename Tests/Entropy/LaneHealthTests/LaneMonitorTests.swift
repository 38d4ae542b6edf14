// SPDX-License-Identifier: Apache-2.0

import CEntropyKernels
import CKernelSupport
import Glibc
import LaneHealth
import TestMaterials
import TestSupport
import Testing

/// Every bit of some lanes, for computing what a monitor shows in the plainest way.
private struct BitRecord {
    private let words: Int
    private var rows: [UInt64] = []

    init(lanes: Int) { words = lanes / 64 }

    mutating func add(_ window: [UInt64]) { rows += window }

    var shots: Int { rows.count / words }

    func isOne(_ shot: Int, _ lane: Int) -> Bool {
        rows[shot * words + lane / 64] >> (lane % 64) & 1 == 1
    }

    /// Of each shot, the number of ones among the lanes in a mask.
    func rowOnes(_ mask: [UInt64]) -> [Int] {
        (0..<shots).map { shot in
            (0..<words).reduce(0) { $0 + (rows[shot * words + $1] & mask[$1]).nonzeroBitCount }
        }
    }

    func ones(_ lane: Int) -> Double {
        Double((0..<shots).count { isOne($0, lane) }) / Double(shots)
    }

    /// A stream's first sample has nothing before it; the window takes it to be a change.
    func changes(_ lane: Int) -> Double {
        let changes = 1 + (1..<shots).count { isOne($0, lane) != isOne($0 - 1, lane) }
        return Double(changes) / Double(shots)
    }

    /// Pearson's correlation of a lane with whether more than half of the lanes in a mask are one.
    func majorityCorrelation(_ lane: Int, rowOnes: [Int], half: Int) -> Double {
        let pairs = (0..<shots).map {
            (isOne($0, lane) ? 1.0 : 0, rowOnes[$0] > half ? 1.0 : 0)
        }
        let count = Double(shots)
        let x = pairs.reduce(0) { $0 + $1.0 } / count
        let y = pairs.reduce(0) { $0 + $1.1 } / count
        let product = pairs.reduce(0) { $0 + ($1.0 - x) * ($1.1 - y) } / count
        let squares = (
            pairs.reduce(0) { $0 + ($1.0 - x) * ($1.0 - x) } / count,
            pairs.reduce(0) { $0 + ($1.1 - y) * ($1.1 - y) } / count
        )
        return product / (squares.0 * squares.1).squareRoot()
    }
}

@Suite(
    "Monitor of the lanes: what it shows against naive computations and known chains; periods; wiping"
)
struct LaneMonitorTests {
    private static let cutoffs = HealthCutoffs(claimedEntropyPerBit: 0.8)
    private static let everyLane: UInt64 = .max

    /// Sends windows of lanes through the tests into a monitor.
    private static func watch(
        _ windows: [[UInt64]], lanes: Int, mask: [UInt64]? = nil,
        features: ck_features = ck_features_here()
    ) -> LaneMonitor {
        let owned = OwnedWindow(lanes: lanes, cutoffs: cutoffs, features: features)
        var monitor = LaneMonitor(lanes: lanes)
        let mask = mask ?? [UInt64](repeating: everyLane, count: lanes / 64)
        for rows in windows {
            _ = owned.findings(in: rows) { window in
                window.compare(lanes: mask)
                monitor.add(window)
            }
        }
        return monitor
    }

    /// Lanes biased and sticky in many ways; the last one gives only ones.
    private static func chains(_ lanes: Int) -> [LaneStream.Chain] {
        (0..<lanes).map { lane in
            let part = Double(lane * 37 % 64) / 64
            return lane == lanes - 1
                ? LaneStream.Chain(p01: 1, p10: 0)
                : LaneStream.Chain(p01: 0.2 + 0.6 * part, p10: 0.7 - 0.4 * part)
        }
    }

    @Test(
        "ones, lag-1 and the correlation with the others are those of a naive computation",
        arguments: [64, 128, 576], KernelPath.strips)
    func naive(lanes: Int, path: KernelPath) {
        var stream = LaneStream(Self.chains(lanes), seed: 8)
        var record = BitRecord(lanes: lanes)
        let windows = (0..<3).map { _ in stream.rows(HealthCutoffs.windowShots) }
        for window in windows { record.add(window) }
        var mask = [UInt64](repeating: .max, count: lanes / 64)
        mask[0] = 0xffff_0fff_ffff_fff0
        let monitor = Self.watch(windows, lanes: lanes, mask: mask, features: path.features)
        let compared = mask.reduce(0) { $0 + $1.nonzeroBitCount }
        let rowOnes = record.rowOnes(mask)
        #expect(monitor.shots == 3 * 1024)
        for lane in stride(from: 0, to: lanes - 1, by: thinning) {
            let p = record.ones(lane)
            #expect(monitor.ones(lane: lane) == p)
            let lagOne = 1 - record.changes(lane) / (2 * p * (1 - p))
            #expect(abs(monitor.lagOne(lane: lane) - lagOne) < 1e-12)
            let correlation = record.majorityCorrelation(
                lane, rowOnes: rowOnes, half: compared / 2)
            let own = (2 / (Double.pi * Double(compared))).squareRoot()
            #expect(abs(monitor.crossLane(lane: lane) - (correlation - own)) < 1e-12)
        }
    }

    @Test(
        "a lane whose averages begin anew shows what it gave since, and the others what they gave",
        arguments: [2, 1024])
    func restart(before: Int) {
        let owned = OwnedWindow(lanes: 64, cutoffs: Self.cutoffs)
        var monitor = LaneMonitor(lanes: 64)
        func give(_ row: UInt64, windows: Int) {
            for _ in 0..<windows {
                _ = owned.findings(in: [UInt64](repeating: row, count: 1024)) { window in
                    window.compare(lanes: [Self.everyLane])
                    monitor.add(window)
                }
            }
        }
        give(.max, windows: before)
        monitor.restart(lane: 5)
        #expect(monitor.shots(lane: 5) == 0)
        #expect(monitor.ones(lane: 5) == 0.5)
        #expect(monitor.ones(lane: 6) == 1)
        give(0, windows: 1)
        #expect(monitor.shots(lane: 5) == 1024)
        #expect(monitor.ones(lane: 5) == 0)
        // After a whole period, the others show that one.
        #expect(monitor.ones(lane: 6) == (before == 2 ? 2.0 / 3 : 1))
        #expect(monitor.lagOne(lane: 5) == 0)
        #expect(monitor.crossLane(lane: 5) == 0)
        give(0, windows: 1024)
        #expect(monitor.ones(lane: 5) == 0)
        #expect(monitor.ones(lane: 6) == (before == 2 ? 2.0 / 1024 : 0))
    }

    @Test("a lane that always gives the same has no correlations")
    func constant() {
        var stream = LaneStream(Self.chains(64), seed: 9)
        // The chain leaves 0 at once.
        _ = stream.rows(1)
        let monitor = Self.watch([stream.rows(1024)], lanes: 64)
        #expect(monitor.ones(lane: 63) == 1)
        #expect(monitor.lagOne(lane: 63) == 0)
        #expect(monitor.crossLane(lane: 63) == 0)
        let stuck = Self.watch([[UInt64](repeating: .max, count: 1024)], lanes: 64)
        #expect(
            (0..<64).allSatisfy { stuck.crossLane(lane: $0) == 0 }, "nor has a constant majority")
    }

    @Test("before the first window a monitor shows what is expected, not what is not a number")
    func empty() {
        let monitor = LaneMonitor(lanes: 64)
        #expect(monitor.shots == 0)
        #expect(monitor.ones(lane: 3) == 0.5)
        #expect(monitor.lagOne(lane: 3) == 0)
        #expect(monitor.crossLane(lane: 3) == 0)
        #expect(monitor.crossLaneCorrelation == nil)
    }

    @Test(
        "no lane, or one, that counts has nothing to be correlated with",
        arguments: [0, 1] as [UInt64])
    func fewLanes(mask: UInt64) {
        var stream = LaneStream(Array(repeating: .ideal, count: 64), seed: 10)
        let monitor = Self.watch([stream.rows(1024)], lanes: 64, mask: [mask])
        #expect((0..<64).allSatisfy { monitor.crossLane(lane: $0) == 0 })
        #expect(monitor.crossLaneCorrelation == 0)
    }

    @Test(
        "of a known chain the share of ones is p01 / (p01 + p10), and lag-1 is 1 − p01 − p10",
        arguments: [(0.5, 0.5), (0.25, 0.25), (0.75, 0.75), (0.2, 0.6), (0.6, 0.3)])
    func knownChains(p01: Double, p10: Double) {
        let chain = LaneStream.Chain(p01: p01, p10: p10)
        var stream = LaneStream(Array(repeating: chain, count: 64), seed: 11)
        _ = stream.rows(64)
        let windows = 64
        let monitor = Self.watch((0..<windows).map { _ in stream.rows(1024) }, lanes: 64)
        let lagOne = 1 - p01 - p10
        let ones = p01 / (p01 + p10)
        // A chain of n samples tells p like n·(1 − ρ)/(1 + ρ) independent ones.
        let shots = Double(windows * 1024)
        let deviation = (ones * (1 - ones) * (1 + lagOne) / (1 - lagOne) / shots).squareRoot()
        // Each of the two probabilities is told by the samples in its state.
        let lagOneDeviation =
            ((p01 * (1 - p01) / (1 - ones) + p10 * (1 - p10) / ones) / shots).squareRoot()
        for lane in 0..<64 {
            #expect(abs(monitor.ones(lane: lane) - ones) < zLimit * deviation)
            #expect(abs(monitor.lagOne(lane: lane) - lagOne) < zLimit * lagOneDeviation)
        }
    }

    @Test(
        "a disturbance ±c that lanes have in common correlates them by 4c²", .thorough,
        arguments: [0, 0.05, 0.1], [64, 512])
    func commonDisturbance(shift: Double, lanes: Int) throws {
        var disturbed = DisturbedLanes(lanes: lanes, shift: shift, shotsPerPiece: 1, seed: 12)
        let windows = 64
        let monitor = Self.watch((0..<windows).map { _ in disturbed.window() }, lanes: lanes)
        let correlation = try #require(monitor.crossLaneCorrelation)
        let expected = 4 * shift * shift
        let ratio = 1 + Double(lanes - 1) * expected
        let spread = ratio * (2 / Double(1023 * windows)).squareRoot() / Double(lanes - 1)
        #expect(abs(correlation - expected) < zLimit * spread)
        // The majority is that of a normal sum that the disturbance moves by z of its deviations. A lane's
        // own vote counts for less, the farther it is moved.
        let z = 2 * shift * Double(lanes).squareRoot()
        let own = (2 / (Double.pi * Double(lanes))).squareRoot()
        let agreement = 2 * shift * erf(z / 2.0.squareRoot()) - own * (1 - exp(-z * z / 2))
        let mean = (0..<lanes).reduce(0) { $0 + monitor.crossLane(lane: $1) } / Double(lanes)
        // Of 65,536 shots a correlation is known to ±0.004.
        #expect(abs(mean - agreement) < 0.01)
    }

    /// The same pattern in every window, with so many ones in lane 0 and none in lane 1.
    private static func pattern(ones: Int) -> [UInt64] {
        (0..<1024).map { $0 < ones ? 0xf5 : $0 % 2 == 0 ? 0xf4 : 0x04 }
    }

    @Test("a period's figures stand until the next period is whole")
    func turnover() {
        let owned = OwnedWindow(lanes: 64, cutoffs: Self.cutoffs)
        var monitor = LaneMonitor(lanes: 64)
        func add(ones: Int) {
            _ = owned.findings(in: Self.pattern(ones: ones)) { window in
                window.compare(lanes: [.max])
                monitor.add(window)
            }
        }
        let period = LaneMonitor.periodWindows
        for window in 1...period {
            add(ones: 256)
            #expect(monitor.shots == window * 1024 && monitor.ones(lane: 0) == 0.25)
        }
        // 2^20 ones take all the planes of a tally.
        #expect(monitor.ones(lane: 2) == 1 && monitor.ones(lane: 1) == 0)
        for _ in 1..<period {
            add(ones: 768)
            #expect(monitor.shots == period * 1024 && monitor.ones(lane: 0) == 0.25)
        }
        add(ones: 768)
        #expect(monitor.shots == period * 1024 && monitor.ones(lane: 0) == 0.75)
        for _ in 1..<period { add(ones: 0) }
        #expect(monitor.ones(lane: 0) == 0.75)
    }

    @Test("after a comparison, too, only the last samples and counts are kept")
    func wiping() {
        let owned = OwnedWindow(lanes: 512, cutoffs: Self.cutoffs)
        let mask = [UInt64](repeating: .max, count: 8)
        _ = owned.findings(in: Array(repeating: .max, count: 1024 * 8)) { $0.compare(lanes: mask) }
        // The history, the three counts and two masks.
        let kept = Self.cutoffs.repetitionCountFailure + 3 * Int(CK_COUNT_PLANES) + 2
        #expect(owned.nonzeroWords <= kept * 8)
    }
}

// SPDX-License-Identifier: Apache-2.0

import LaneHealth
import TestMaterials
import TestSupport
import Testing

/// Lanes that pass every test of SP 800-90B 4.4 and that something predicts.
enum PredictedLanes: CaseIterable {
    /// A word and its complement, for ever.
    case complement
    /// Each row twice.
    case twice
    /// Each row is the one 37 before, in one bit of ten the complement.
    case lag37
    /// Lanes that change with probability 0.9.
    case change90
    /// Odd lanes are the complements of even ones.
    case pairs
    /// The second half of the lanes, or of each word, are copies of the first.
    case halves

    func rows(lanes: Int, windows: Int, random: inout SeededGenerator) -> [[UInt64]] {
        let words = lanes / 64
        let shots = windows * HealthCutoffs.windowShots
        var rows: [[UInt64]] = []
        for shot in 0..<shots {
            let fresh = random.words(words)
            let row: [UInt64] =
                switch self {
                case .complement: rows.last?.map { ~$0 } ?? fresh
                case .twice: shot % 2 == 1 ? rows[shot - 1] : fresh
                case .lag37: shot < 37 ? fresh : zip(rows[shot - 37], random.rare(words)).map { $0 ^ $1 }
                case .change90: rows.last.map { zip($0, random.rare(words)).map { ~($0 ^ $1) } } ?? fresh
                case .pairs: fresh.map { $0 & 0x5555_5555_5555_5555 | ~$0 << 1 & 0xaaaa_aaaa_aaaa_aaaa }
                case .halves: copyOfHalf(fresh)
                }
            rows.append(row)
        }
        return stride(from: 0, to: shots, by: HealthCutoffs.windowShots).map {
            rows[$0..<$0 + HealthCutoffs.windowShots].flatMap { $0 }
        }
    }

    private func copyOfHalf(_ row: [UInt64]) -> [UInt64] {
        if row.count % 2 == 1 { return row.map { $0 << 32 | $0 & 0xffff_ffff } }
        let half = Array(row.prefix(row.count / 2))
        return half + half
    }
}

extension SeededGenerator {
    /// Words of bits that are one with probability 13/128, about a tenth.
    fileprivate mutating func rare(_ count: Int) -> [UInt64] {
        (0..<count).map { _ in
            let (a, b, c) = (next(), next(), next())
            return a & b & c & (next() | next() & next() | next() & next() & next())
        }
    }
}

@Suite("Lanes that something predicts: found before they can be served; ideal and slightly biased ones are not")
struct PredictionTests {
    private static let startUpWindows = 2

    /// The share of lanes that failed the test in any of the windows.
    private static func failed(
        _ windows: [[UInt64]], lanes: Int, test: HealthTest, startUp: Bool = true
    ) -> Double {
        let owned = OwnedWindow(lanes: lanes, cutoffs: HealthCutoffs(claimedEntropyPerBit: 0.8))
        owned.window.lanesStart(within: startUp ? startUpWindows : nil)
        var all = [UInt64](repeating: 0, count: lanes / 64)
        for rows in windows {
            let found = owned.findings(in: rows)[test].failure
            for word in all.indices { all[word] |= found[word] }
        }
        return Double(all.reduce(0) { $0 + $1.nonzeroBitCount }) / Double(lanes)
    }

    @Test("in the windows of a start-up test", arguments: PredictedLanes.allCases, [64, 128, 512, 576])
    func startUp(kind: PredictedLanes, lanes: Int) {
        var random = SeededGenerator(UInt64(lanes))
        let windows = kind.rows(lanes: lanes, windows: Self.startUpWindows, random: &random)
        let share = Self.failed(windows, lanes: lanes, test: .prediction)
        // Where two lanes predict each other, it is enough that one fails.
        #expect(share >= (kind == .halves ? 0.5 : 0.99), "\(share)")
    }

    @Test("and later, when a window tries one earlier shot and one other lane", arguments: PredictedLanes.allCases)
    func steady(kind: PredictedLanes) {
        var random = SeededGenerator(1)
        let windows = kind.rows(lanes: 64, windows: 64, random: &random)
        let share = Self.failed(windows, lanes: 64, test: .prediction, startUp: false)
        #expect(share >= (kind == .halves ? 0.5 : 0.99), "\(share)")
    }

    @Test(
        "a lane with 60 % ones fails over 65,536 shots, one with 55 % does not", .thorough,
        arguments: [0.6, 0.4, 0.55, 0.45])
    func biased(p: Double) {
        var stream = LaneStream([LaneStream.Chain](repeating: .biased(p), count: 64), seed: 3)
        let windows = (0..<128).map { _ in stream.rows(HealthCutoffs.windowShots) }
        let share = Self.failed(windows, lanes: 64, test: .longPrediction)
        #expect(share == (abs(p - 0.5) > 0.075 ? 1 : 0))
        #expect(Self.failed(windows, lanes: 64, test: .adaptiveProportion) < 0.1, "nothing else finds it")
    }

    @Test("lanes that change with probability 0.6 fail over 65,536 shots")
    func slow() {
        var stream = LaneStream([LaneStream.Chain](repeating: .slow(0.4), count: 64), seed: 4)
        let windows = (0..<128).map { _ in stream.rows(HealthCutoffs.windowShots) }
        #expect(Self.failed(windows, lanes: 64, test: .longPrediction) == 1)
    }
}

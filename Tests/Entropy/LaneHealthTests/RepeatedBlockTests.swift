// SPDX-License-Identifier: Apache-2.0

import LaneHealth
import TestMaterials
import TestSupport
import Testing

@Suite("Blocks that come again: found at any distance and alignment; ideal lanes repeat nothing")
struct RepeatedBlockTests {
    /// In which windows of a stream rows were found that came before.
    private static func repeats(
        _ windows: Int, lanes: Int, mask: UInt64 = .max, row: (Int) -> [UInt64]
    ) -> [Int] {
        let owned = OwnedWindow(lanes: lanes, cutoffs: HealthCutoffs(claimedEntropyPerBit: 0.8))
        let counted = [UInt64](repeating: mask, count: lanes / 64)
        return (0..<windows).filter { window in
            let rows = (0..<HealthCutoffs.windowShots).flatMap { row(window * HealthCutoffs.windowShots + $0) }
            _ = owned.findings(in: rows) { $0.compare(lanes: counted) }
            return owned.window.repeatedBlock == .failure
        }
    }

    /// A block of random rows, again and again.
    private static func repeats(period: Int, windows: Int, lanes: Int, mask: UInt64 = .max) -> [Int] {
        var random = SeededGenerator(UInt64(period))
        let block = (0..<period).map { _ in random.words(lanes / 64) }
        return repeats(windows, lanes: lanes, mask: mask) { block[$0 % period] }
    }

    @Test(
        "from the second time on, whatever the period", arguments: [65, 128, 1000, 1024, 3001, 16_384], [64, 128, 512])
    func periods(period: Int, lanes: Int) {
        let windows = 2 * period / HealthCutoffs.windowShots + 4
        let found = Self.repeats(period: period, windows: windows, lanes: lanes)
        let first = period / HealthCutoffs.windowShots
        #expect(found.first.map { first...first + 1 ~= $0 } ?? false, "\(found)")
        #expect(found.count >= windows - first - 2, "in nearly every window from then on")
    }

    @Test("also at a distance of more than a hundred thousand rows", .thorough)
    func longPeriod() {
        let found = Self.repeats(period: 131_072, windows: 2 * 128 + 8, lanes: 64)
        #expect(found.first.map { 128...130 ~= $0 } ?? false)
        // Some three of the blocks of a window are remembered that long, and of 4 windows in 100 none.
        #expect(found.count > 115, "of 135")
    }

    @Test("lanes that failed count as little as their changes")
    func failedLanes() {
        var random = SeededGenerator(5)
        let block = (0..<1000).map { _ in random.next() }
        let found = Self.repeats(6, lanes: 64, mask: 0xffff_ffff_0000_0000) {
            [block[$0 % 1000] ^ random.next() >> 32]
        }
        #expect(found == [1, 2, 3, 4, 5] || found == [0, 1, 2, 3, 4, 5])
        #expect(Self.repeats(period: 1000, windows: 6, lanes: 64, mask: 0x7f) == [], "too few lanes to judge")
    }

    @Test("random rows never come again", arguments: [64, 512])
    func ideal(lanes: Int) {
        var random = SeededGenerator(6)
        #expect(Self.repeats(200, lanes: lanes) { _ in random.words(lanes / 64) } == [])
    }

    @Test("biased rows do not either, at the claim that they meet")
    func biased() {
        var stream = LaneStream([LaneStream.Chain](repeating: .biased(0.57), count: 64), seed: 7)
        #expect(Self.repeats(200, lanes: 64) { _ in stream.rows(1) } == [])
    }
}

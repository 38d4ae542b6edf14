// SPDX-License-Identifier: Apache-2.0

import Glibc
import LaneHealth
import TestMaterials
import TestSupport
import Testing

@Suite("What the last 65,536 shots support: by which predictor, and how much; nothing before they are whole")
struct LongHorizonTests {
    private static let lanes = 64

    private static func horizon(
        _ windows: [[UInt64]], inspect: (HealthWindow) -> Void = { _ in }
    ) -> LongHorizon {
        let owned = OwnedWindow(lanes: lanes, cutoffs: HealthCutoffs(claimedEntropyPerBit: 0.8))
        var horizon = LongHorizon(lanes: lanes)
        for rows in windows {
            _ = owned.findings(in: rows) { window in
                horizon.take(window.horizon)
                inspect(window)
            }
        }
        return horizon
    }

    private static func windows(_ chain: LaneStream.Chain, _ count: Int = 64, seed: UInt64) -> [[UInt64]] {
        var stream = LaneStream([LaneStream.Chain](repeating: chain, count: lanes), seed: seed)
        return (0..<count).map { _ in stream.rows(HealthCutoffs.windowShots) }
    }

    /// Six deviations of a share of 65,536 shots.
    private static let tolerance = 6 * 0.5 / 256

    @Test("a biased lane is told by a constant: -log2 of its share of ones", arguments: [0.6, 0.35, 0.9])
    func biased(p: Double) throws {
        let horizon = Self.horizon(Self.windows(.biased(p), seed: 1))
        for lane in 0..<Self.lanes {
            let measurement = try #require(horizon.measurement(lane: lane))
            #expect(measurement.predictor == .constant)
            #expect(abs(exp2(-measurement.entropyPerBit) - max(p, 1 - p)) < Self.tolerance)
        }
    }

    @Test("a lane that seldom changes is told by the shot before")
    func slow() throws {
        let horizon = Self.horizon(Self.windows(.slow(0.8), seed: 2))
        let measurement = try #require(horizon.measurement(lane: 9))
        #expect(measurement.predictor == .previousShot)
        #expect(measurement.entropyPerBit < 0.9)
    }

    @Test("a lane that copies another is told by that, when it is its turn", arguments: [3])
    func pairs(seed: UInt64) throws {
        var random = SeededGenerator(seed)
        let windows = PredictedLanes.pairs.rows(lanes: Self.lanes, windows: 64, random: &random)
        let measurement = try #require(Self.horizon(windows).measurement(lane: 1))
        #expect(measurement.predictor == .otherLane)
        #expect(measurement.entropyPerBit < 0.99)
    }

    @Test("nothing is found or measured of a lane that was away for a part of the period; the next one counts whole")
    func away() throws {
        let owned = OwnedWindow(lanes: Self.lanes, cutoffs: HealthCutoffs(claimedEntropyPerBit: 0.8))
        var stream = LaneStream([LaneStream.Chain](repeating: .ideal, count: Self.lanes), seed: 6)
        var found: [UInt64] = []
        for window in 0..<128 {
            var rows = stream.rows(HealthCutoffs.windowShots)
            // Lanes 0 and 1 give zeros for half of the first period, and of lane 0 that is known.
            if window < 32 {
                for row in rows.indices { rows[row] &= ~0b11 }
                owned.window.exceptFromPeriod([0b01])
            }
            let findings = owned.findings(in: rows)
            if window % 64 == 63 {
                found.append(findings[.longPrediction].failure[0])
                #expect((owned.window.horizon.measurement(lane: 0) == nil) == (window == 63))
            }
        }
        #expect(found == [0b10, 0])
        #expect(try #require(owned.window.horizon.measurement(lane: 0)).entropyPerBit > 0.965)
    }

    @Test("nothing is measured before the first period is whole; ideal lanes support nearly all")
    func ideal() throws {
        #expect(Self.horizon(Self.windows(.ideal, 63, seed: 4)).measurement(lane: 0) == nil)
        let horizon = Self.horizon(Self.windows(.ideal, 64, seed: 4))
        for lane in 0..<Self.lanes {
            let entropy = try #require(horizon.measurement(lane: lane)?.entropyPerBit)
            #expect(entropy > 0.965 && entropy < 1)
        }
    }

    @Test("a window tells what a test measured that found a lane in it, and nothing where none did")
    func alarms() throws {
        var measured: [Double?] = []
        _ = Self.horizon(Self.windows(.biased(0.9), 1, seed: 5)) { window in
            measured = [.adaptiveProportion, .prediction, .longPrediction, .repetitionCount].map {
                window.measuredEntropyPerBit(lane: 3, by: $0)
            }
        }
        let proportion = try #require(measured[0])
        #expect(abs(exp2(-proportion) - 0.9) < 6 * 0.3 / 32)
        // Bits that are one nine times of ten are those before, or those of another lane, 82 times of 100.
        let prediction = try #require(measured[1])
        #expect(abs(exp2(-prediction) - 0.82) < 6 * 0.39 / 32)
        #expect(measured[2] == nil && measured[3] == nil)
        _ = Self.horizon(Self.windows(.ideal, 64, seed: 6)) { window in
            #expect(window.measuredEntropyPerBit(lane: 3, by: .prediction) == nil)
            #expect((window.measuredEntropyPerBit(lane: 3, by: .longPrediction) != nil) == window.endsPeriod)
        }
    }
}

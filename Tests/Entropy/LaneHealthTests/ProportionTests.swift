// SPDX-License-Identifier: Apache-2.0

import LaneHealth
import LaneHealthReference
import TestMaterials
import TestSupport
import Testing

/// Windows in which each lane has a chosen number of samples that equal its first one.
private struct Proportions {
    /// The value of a lane's first sample, and how many samples of the window equal it.
    struct Lane {
        let first: Bool
        let matches: Int
    }

    /// - Parameter turn: moves the matching samples, so that windows differ.
    static func rows(_ lanes: [Lane], turn: Int) -> [UInt64] {
        let words = lanes.count / 64
        let shots = HealthCutoffs.windowShots
        var rows = [UInt64](repeating: 0, count: shots * words)
        for (lane, content) in lanes.enumerated() {
            for place in 0..<shots {
                // The first sample is place 0; 512 has no factor in common with the other 1,023.
                let shot = place == 0 ? 0 : 1 + (place * 512 + lane * 19 + turn) % (shots - 1)
                let matches = place < content.matches
                if matches == content.first {
                    rows[shot * words + lane / 64] |= 1 << (lane % 64)
                }
            }
        }
        return rows
    }
}

@Suite(
    "Counts around the cut-offs: matches from 1 to 1,024 and around each cut-off against the reference; off-by-one errors are noticed"
)
struct ProportionTests {
    @Test(
        "each count of matches from 1 to 1,024, of ones and of zeros, on every path",
        arguments: [1.0, 0.8, 0.3, 0.1])
    func everyCount(claim: Double) {
        let cutoffs = HealthCutoffs(claimedEntropyPerBit: claim)
        var sideBySide = SideBySide(lanes: 2048, cutoffs: cutoffs)
        let owned = OwnedWindow(lanes: 2048, cutoffs: cutoffs)
        let lanes = (0..<2048).map {
            Proportions.Lane(first: $0 % 2 == 1, matches: $0 / 2 + 1)
        }
        let rows = Proportions.rows(lanes, turn: 0)
        #expect(sideBySide.pathsThatDiffer(over: rows) == [])
        let findings = owned.findings(in: rows)
        for (lane, content) in lanes.enumerated() {
            let warned = findings[.adaptiveProportion].warning.hasLane(lane)
            let failed = findings[.adaptiveProportion].failure.hasLane(lane)
            #expect(warned == (content.matches >= cutoffs.adaptiveProportionWarning))
            #expect(failed == (content.matches >= cutoffs.adaptiveProportionFailure))
        }
    }

    /// Around both cut-offs, with both first samples, each lane in its turn.
    private static func around(_ cutoffs: HealthCutoffs, lane: Int, window: Int) -> Proportions.Lane {
        let kind = (lane + window) % 12
        let cutoff =
            kind % 2 == 0 ? cutoffs.adaptiveProportionWarning : cutoffs.adaptiveProportionFailure
        return Proportions.Lane(
            first: kind / 2 % 2 == 0, matches: min(cutoff + kind / 4 - 1, 1024))
    }

    @Test(
        "in every lane counts just below, at and above the cut-offs, window after window",
        .thorough,
        arguments: [64, 128, 512, 576], [1.0, 0.8, 0.3])
    func aroundCutoffs(lanes: Int, claim: Double) {
        let cutoffs = HealthCutoffs(claimedEntropyPerBit: claim)
        var sideBySide = SideBySide(lanes: lanes, cutoffs: cutoffs)
        for window in 0..<12 {
            let contents = (0..<lanes).map { Self.around(cutoffs, lane: $0, window: window) }
            let rows = Proportions.rows(contents, turn: window * 100)
            #expect(sideBySide.pathsThatDiffer(over: rows) == [], "window \(window)")
        }
    }

    @Test("the comparison notices a reference that is off by one", arguments: [-1, 1])
    func control(error: Int) {
        let cutoffs = HealthCutoffs(claimedEntropyPerBit: 0.8)
        var warning = ReferenceCutoffs(cutoffs)
        warning.adaptiveProportionWarning += error
        var failure = ReferenceCutoffs(cutoffs)
        failure.adaptiveProportionFailure += error
        let contents = (0..<64).map { Self.around(cutoffs, lane: $0, window: 0) }
        let rows = Proportions.rows(contents, turn: 0)
        for planted in [warning, failure] {
            var sideBySide = SideBySide(lanes: 64, cutoffs: cutoffs, reference: planted)
            #expect(sideBySide.pathsThatDiffer(over: rows).count == KernelPath.strips.count)
        }
    }
}

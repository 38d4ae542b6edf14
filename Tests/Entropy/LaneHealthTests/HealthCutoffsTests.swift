// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import LaneHealth
import TestMaterials
import TestSupport
import Testing

@Suite(
    "Cut-offs: the table, and what the kernels need of them")
struct HealthCutoffsTests {
    /// Tests/Fixtures/sp800-90b-cutoffs.json
    private struct Table: Decodable {
        struct Row: Decodable {
            let entropyPerBit: String
            let alphaExponent: Int
            let repetitionCount: Int
            let adaptiveProportion: Int
            let longPrediction: Int

            var claim: Double { Double(entropyPerBit) ?? .nan }
        }
        let cutoffs: [Row]
    }

    private static func table() throws -> [Table.Row] {
        try JSONDecoder().decode(Table.self, from: Data(fixture("sp800-90b-cutoffs.json"))).cutoffs
    }

    @Test("the whole table of claims and error probabilities comes out")
    func table() throws {
        let rows = try Self.table()
        #expect(rows.count == 21)
        for row in rows {
            #expect(
                HealthCutoffs.repetitionCount(row.claim, exponent: row.alphaExponent)
                    == row.repetitionCount)
            #expect(
                HealthCutoffs.proportion(row.claim, exponent: row.alphaExponent, samples: 1024)
                    == row.adaptiveProportion)
            #expect(
                HealthCutoffs.proportion(row.claim, exponent: row.alphaExponent, samples: 65_536)
                    == row.longPrediction)
        }
    }

    @Test(
        "a claim leads to the table's cut-offs at 2^−20 for the warning and 2^−40 for the failure")
    func ofClaim() throws {
        for row in try Self.table() {
            let cutoffs = HealthCutoffs(claimedEntropyPerBit: row.claim)
            let found = (cutoffs.repetitionCountWarning, cutoffs.adaptiveProportionWarning)
            if row.alphaExponent == 20 {
                #expect(found == (row.repetitionCount, row.adaptiveProportion))
            }
            let failing = (cutoffs.repetitionCountFailure, cutoffs.adaptiveProportionFailure)
            if row.alphaExponent == 40 {
                #expect(failing == (row.repetitionCount, row.adaptiveProportion))
            }
        }
    }

    @Test("−log2 α / H that is a whole number is not rounded up", arguments: [0.1, 0.2, 0.4, 0.8])
    func wholeQuotients(claim: Double) {
        let cutoffs = HealthCutoffs(claimedEntropyPerBit: claim)
        #expect(cutoffs.repetitionCountFailure == 1 + 400 / Int((claim * 10).rounded()))
    }

    @Test(
        "for every claim allowed the kernels can apply the cut-offs, and a failure is a warning too"
    )
    func limits() {
        let all = (10...100).map { HealthCutoffs(claimedEntropyPerBit: Double($0) / 100) }
        for cutoffs in all {
            #expect(cutoffs.repetitionCountWarning >= 17)
            #expect(cutoffs.repetitionCountWarning < cutoffs.repetitionCountFailure)
            #expect(cutoffs.repetitionCountFailure <= HealthCutoffs.windowShots / 2)
            #expect(cutoffs.adaptiveProportionWarning <= cutoffs.adaptiveProportionFailure)
            #expect(cutoffs.adaptiveProportionFailure <= HealthCutoffs.windowShots)
        }
        for (lower, higher) in zip(all, all.dropFirst()) {
            #expect(lower.repetitionCountFailure >= higher.repetitionCountFailure)
            #expect(lower.adaptiveProportionFailure >= higher.adaptiveProportionFailure)
        }
    }
}

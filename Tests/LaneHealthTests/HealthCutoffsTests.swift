// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import LaneHealth
import TestMaterials
import Testing

@Suite("Cut-offs")
struct HealthCutoffsTests {
    /// Tests/Fixtures/sp800-90b-cutoffs.json
    private struct Table: Decodable {
        struct Row: Decodable {
            let claim: Double
            let alpha: Int
            let rct: Int
            let apt: Int

            enum CodingKeys: String, CodingKey {
                case claim = "H"
                case alpha, rct, apt
            }
        }
        let rows: [Row]
    }

    private static func table() throws -> [Table.Row] {
        try JSONDecoder().decode(Table.self, from: fixture("sp800-90b-cutoffs.json")).rows
    }

    @Test("the whole table of claims and error probabilities comes out")
    func table() throws {
        let rows = try Self.table()
        #expect(rows.count == 21)
        for row in rows {
            #expect(HealthCutoffs.repetitionCount(row.claim, exponent: row.alpha) == row.rct)
            #expect(HealthCutoffs.adaptiveProportion(row.claim, exponent: row.alpha) == row.apt)
        }
    }

    @Test(
        "a claim leads to the table's cut-offs at 2^−20 for the warning and 2^−40 for the failure")
    func ofClaim() throws {
        for row in try Self.table() {
            let cutoffs = HealthCutoffs(claimedEntropyPerBit: row.claim)
            let found = (cutoffs.repetitionCountWarning, cutoffs.adaptiveProportionWarning)
            if row.alpha == 20 { #expect(found == (row.rct, row.apt)) }
            let failing = (cutoffs.repetitionCountFailure, cutoffs.adaptiveProportionFailure)
            if row.alpha == 40 { #expect(failing == (row.rct, row.apt)) }
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

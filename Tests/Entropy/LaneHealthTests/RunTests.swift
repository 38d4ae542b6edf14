// SPDX-License-Identifier: Apache-2.0

import LaneHealth
import LaneHealthReference
import TestMaterials
import TestSupport
import Testing

private let claims = [1.0, 0.8, 0.3, 0.1]

@Suite(
    "Runs around the cut-offs: of C-1, C and C+1 ending at every offset, at the edges of words and windows, against the reference; off-by-one errors are noticed"
)
struct RunTests {
    @Test(
        "runs that end at any offset of a window are found as by the reference, on every path",
        .thorough,
        arguments: claims)
    func stream(claim: Double) {
        #expect(RunSweep(claim: claim).differencesInOneStream() == 0)
    }

    @Test(
        "so are runs in the first window of a stream, from its first sample on", .thorough,
        arguments: claims)
    func firstWindow(claim: Double) {
        let cutoffs = HealthCutoffs(claimedEntropyPerBit: claim)
        let sweep = RunSweep(claim: claim)
        let differences = sweep.differencesInFirstWindows { run, tripped in
            // Not by the reference, but by what the standard says of a run of this length.
            let length = min(run.length, run.end + 1)
            let warned = tripped.contains(.repetitionCountWarning)
            let failed = tripped.contains(.repetitionCountFailure)
            #expect(warned == (length >= cutoffs.repetitionCountWarning))
            #expect(failed == (length >= cutoffs.repetitionCountFailure))
        }
        #expect(differences == 0)
    }

    @Test("the comparison notices a reference that is off by one", .thorough, arguments: [-1, 1])
    func control(error: Int) {
        let warning = RunSweep(claim: 0.8) { $0.repetitionCountWarning += error }
        let failure = RunSweep(claim: 0.8) { $0.repetitionCountFailure += error }
        for sweep in [warning, failure] {
            #expect(sweep.differencesInOneStream() > 0)
            #expect(sweep.differencesInFirstWindows() > 0)
        }
    }
}

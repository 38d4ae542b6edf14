// SPDX-License-Identifier: Apache-2.0

import CEntropyKernels

/// The repetition count test of SP 800-90B 4.4.1: runs of equal samples, also across the start of the window.
struct RepetitionCountTest: WindowTest {
    let test = HealthTest.repetitionCount
    private let warningCutoff: UInt32
    private let failureCutoff: UInt32

    init(_ cutoffs: HealthCutoffs) {
        warningCutoff = UInt32(cutoffs.repetitionCountWarning)
        failureCutoff = UInt32(cutoffs.repetitionCountFailure)
    }

    var cutoffs: (warning: Int, failure: Int) { (Int(warningCutoff), Int(failureCutoff)) }

    func find(
        in window: HealthWindow, warning: UnsafeMutablePointer<UInt64>,
        failure: UnsafeMutablePointer<UInt64>
    ) {
        ck_find_runs(
            window.features, window.rows, window.stride, window.lanesAtRest, warningCutoff, failureCutoff,
            window.scratch, warning, failure)
    }
}

// SPDX-License-Identifier: Apache-2.0

import CEntropyKernels

/// The adaptive proportion test of SP 800-90B 4.4.2: samples of the window that equal its first one.
struct AdaptiveProportionTest: WindowTest {
    let test = HealthTest.adaptiveProportion
    private let warningCutoff: UInt32
    private let failureCutoff: UInt32

    init(_ cutoffs: HealthCutoffs) {
        warningCutoff = UInt32(cutoffs.adaptiveProportionWarning)
        failureCutoff = UInt32(cutoffs.adaptiveProportionFailure)
    }

    var cutoffs: (warning: Int, failure: Int) { (Int(warningCutoff), Int(failureCutoff)) }

    func find(
        in window: HealthWindow, warning: UnsafeMutablePointer<UInt64>,
        failure: UnsafeMutablePointer<UInt64>
    ) {
        let (features, ones, stride) = (window.features, window.onesPlanes, window.stride)
        ck_compare_counts(features, ones, window.rows, stride, warningCutoff, warning)
        ck_compare_counts(features, ones, window.rows, stride, failureCutoff, failure)
    }
}

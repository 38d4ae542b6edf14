// SPDX-License-Identifier: Apache-2.0

import CEntropyKernels

/// How often a lane's bits in a window are what a predictor says, or the complement of it.
///
/// Bits that meet a claim of H are predicted by nothing more often than with 2^−H, whatever came before: the hits of any
/// predictor in W samples are at most binomial with W and 2^−H, which gives the cut-offs of the adaptive proportion
/// test. The predictors are the shot before, one of the shots before that, and one of the other lanes; which ones, says
/// `PredictorSchedule`.
struct PredictionTest: WindowTest {
    let test = HealthTest.prediction
    private let warningCutoff: UInt32
    private let failureCutoff: UInt32

    var cutoffs: (warning: Int, failure: Int) { (Int(warningCutoff), Int(failureCutoff)) }

    init(_ cutoffs: HealthCutoffs) {
        warningCutoff = UInt32(cutoffs.adaptiveProportionWarning)
        failureCutoff = UInt32(cutoffs.adaptiveProportionFailure)
    }

    func find(
        in window: HealthWindow, warning: UnsafeMutablePointer<UInt64>, failure: UnsafeMutablePointer<UInt64>
    ) {
        warning.update(repeating: 0, count: window.stride)
        failure.update(repeating: 0, count: window.stride)
        func judge(_ planes: UnsafePointer<UInt64>) {
            let (count, stride, shots) = (Int(CK_COUNT_PLANES), window.stride, UInt32(CK_WINDOW_SHOTS))
            ck_compare_predictions(planes, count, stride, shots, warningCutoff, warning)
            ck_compare_predictions(planes, count, stride, shots, failureCutoff, failure)
        }
        judge(window.changePlanes)
        window.countLags(judge)
        window.countPartners(judge)
    }
}

/// The same over 65,536 shots, for lanes that are a little worse than claimed, and with two predictors more: always one,
/// and always zero.
///
/// The rotating predictors are one predictor each, which looks at another shot or lane in each window: what bounds the
/// hits of any predictor bounds those of such a one.
struct LongPredictionTest: WindowTest {
    let test = HealthTest.longPrediction
    private let warningCutoff: UInt32
    private let failureCutoff: UInt32

    var cutoffs: (warning: Int, failure: Int) { (Int(warningCutoff), Int(failureCutoff)) }

    init(_ cutoffs: HealthCutoffs) {
        warningCutoff = UInt32(cutoffs.longPredictionWarning)
        failureCutoff = UInt32(cutoffs.longPredictionFailure)
    }

    /// Finds nothing in the windows before the last one of each period.
    func find(
        in window: HealthWindow, warning: UnsafeMutablePointer<UInt64>, failure: UnsafeMutablePointer<UInt64>
    ) {
        warning.update(repeating: 0, count: window.stride)
        failure.update(repeating: 0, count: window.stride)
        window.countPeriod { planes in
            let (count, stride, shots) = (Int(CK_LONG_PLANES), window.stride, UInt32(HealthCutoffs.longPeriodShots))
            ck_compare_predictions(planes, count, stride, shots, warningCutoff, warning)
            ck_compare_predictions(planes, count, stride, shots, failureCutoff, failure)
        }
    }
}

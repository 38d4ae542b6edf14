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
    let cutoffs: (warning: Int, failure: Int)

    init(_ cutoffs: HealthCutoffs) {
        self.cutoffs = (cutoffs.adaptiveProportionWarning, cutoffs.adaptiveProportionFailure)
    }

    func find(
        in window: HealthWindow, warning: UnsafeMutablePointer<UInt64>, failure: UnsafeMutablePointer<UInt64>
    ) {
        warning.update(repeating: 0, count: window.stride)
        failure.update(repeating: 0, count: window.stride)
        func judge(_ planes: UnsafePointer<UInt64>) {
            window.compare(planes, count: CK_COUNT_PLANES, shots: CK_WINDOW_SHOTS, cutoffs, warning, failure)
        }
        judge(window.changePlanes)
        window.countPredictions(judge)
    }
}

/// The same over 65,536 shots, for lanes that are a little worse than claimed, and with two predictors more: always one,
/// and always zero.
///
/// The rotating predictors are one predictor each, which looks at another shot or lane in each window: what bounds the
/// hits of any predictor bounds those of such a one.
struct LongPredictionTest: WindowTest {
    let test = HealthTest.longPrediction
    let cutoffs: (warning: Int, failure: Int)

    init(_ cutoffs: HealthCutoffs) {
        self.cutoffs = (cutoffs.longPredictionWarning, cutoffs.longPredictionFailure)
    }

    /// Finds nothing in the windows before the last one of each period.
    func find(
        in window: HealthWindow, warning: UnsafeMutablePointer<UInt64>, failure: UnsafeMutablePointer<UInt64>
    ) {
        warning.update(repeating: 0, count: window.stride)
        failure.update(repeating: 0, count: window.stride)
        window.countPeriod { sum in
            sum.withPlanes { planes, count in
                window.compare(planes, count: count, shots: HealthCutoffs.longPeriodShots, cutoffs, warning, failure)
            }
        }
    }
}

extension HealthWindow {
    /// Adds the lanes that were predicted too often, by counts of differences in `count` planes.
    fileprivate func compare(
        _ planes: UnsafePointer<UInt64>, count: some BinaryInteger, shots: some BinaryInteger,
        _ cutoffs: (warning: Int, failure: Int), _ warning: UnsafeMutablePointer<UInt64>,
        _ failure: UnsafeMutablePointer<UInt64>
    ) {
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 2) { bounds in
            bounds[0] = UInt32(cutoffs.warning)
            bounds[1] = UInt32(cutoffs.failure)
            ck_compare_predictions(
                features, planes, Int(count), stride, UInt32(shots), bounds.baseAddress, warning, failure)
        }
    }
}

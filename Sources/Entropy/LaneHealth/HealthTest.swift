// SPDX-License-Identifier: Apache-2.0

/// The health tests. Where several trip for a lane, the first in this order decides, failures before warnings.
///
/// A test of each window is added with a case here, its title, a line in `windowTests`, and a file with its
/// `WindowTest`.
package enum HealthTest: Int, Sendable, CaseIterable {
    /// A lane that repeats a value that long trips the proportion as a consequence, so it comes first.
    case repetitionCount
    case adaptiveProportion
    /// Bits that predict one another, within a window.
    case prediction
    /// The same over 65,536 shots.
    case longPrediction
    /// The resistance of the device against the median of its array. Bits come first: they are the consequence.
    case resistance
    /// Correlation between the lanes: a test of the whole array.
    case crossLane
    /// Bits that came before come again: a test of the whole array.
    case repeatedBlock

    /// All tests, in the order in which they decide.
    static let inOrder = allCases

    /// What the test is called in the control interface and the journal.
    package var name: String { "\(self)" }

    /// The tests of every lane in every window.
    static func windowTests(_ cutoffs: HealthCutoffs) -> [any WindowTest] {
        // The long test goes on with what the other one counted.
        [
            RepetitionCountTest(cutoffs), AdaptiveProportionTest(cutoffs), PredictionTest(cutoffs),
            LongPredictionTest(cutoffs),
        ]
    }

    /// The cut-offs of the tests of bits, for a claim of min-entropy per bit and a number of lanes.
    package static func cutoffs(claimedEntropyPerBit claim: Double, lanes: Int) -> [TestCutoffs] {
        let ofWindows = windowTests(HealthCutoffs(claimedEntropyPerBit: claim)).map { test in
            TestCutoffs(
                test: test.test, warning: Double(test.cutoffs.warning), failure: Double(test.cutoffs.failure))
        }
        let crossLane = CrossLaneTest(claimedEntropyPerBit: claim).cutoffs(lanes: lanes)
        return ofWindows + [
            TestCutoffs(test: .crossLane, warning: crossLane.warning, failure: crossLane.failure)
        ]
    }

    /// What the test is called in messages.
    package var title: String {
        switch self {
        case .repetitionCount: "repetition count test"
        case .adaptiveProportion: "adaptive proportion test"
        case .prediction: "prediction test"
        case .longPrediction: "prediction test over 65,536 shots"
        case .resistance: "resistance test"
        case .crossLane: "cross-lane test"
        case .repeatedBlock: "repeated block test"
        }
    }
}

/// Where a test trips: at counts of samples, and the test across lanes at variance ratios.
package struct TestCutoffs: Sendable, Equatable {
    package let test: HealthTest
    package let warning: Double
    package let failure: Double
}

/// A test of every lane in every window of shots.
///
/// `find` is called on the pipeline's thread, once for each window, and allocates nothing. What it takes must not tell
/// what the bits are, beyond what `HealthWindow` says.
protocol WindowTest: Sendable {
    var test: HealthTest { get }

    /// The counts of samples at which it trips.
    var cutoffs: (warning: Int, failure: Int) { get }

    /// Finds the lanes that the test trips for.
    ///
    /// - Parameters:
    ///   - window: full, with its ones counted, and with its history.
    ///   - warning: receives the lanes that reach the warning cut-off, a bit each, `window.stride` words. Lanes beyond
    ///     those of the board mean nothing.
    ///   - failure: receives the lanes that reach the failing cut-off, of which every one is in `warning`.
    func find(
        in window: HealthWindow, warning: UnsafeMutablePointer<UInt64>,
        failure: UnsafeMutablePointer<UInt64>)
}

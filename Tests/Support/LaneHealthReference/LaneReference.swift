// SPDX-License-Identifier: Apache-2.0
//
// The health tests as SP 800-90B writes them down, a sample at a time. What the bit-sliced tests
// find is compared with this, and their speed is measured against it.

package import LaneHealth

/// The counts at which the reference trips: those of the claim, or others on purpose.
package struct ReferenceCutoffs: Sendable {
    package var repetitionCountWarning: Int
    package var repetitionCountFailure: Int
    package var adaptiveProportionWarning: Int
    package var adaptiveProportionFailure: Int

    package init(_ cutoffs: HealthCutoffs) {
        repetitionCountWarning = cutoffs.repetitionCountWarning
        repetitionCountFailure = cutoffs.repetitionCountFailure
        adaptiveProportionWarning = cutoffs.adaptiveProportionWarning
        adaptiveProportionFailure = cutoffs.adaptiveProportionFailure
    }
}

/// Which tests tripped.
package struct Tripped: OptionSet, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }
    package static let repetitionCountWarning = Tripped(rawValue: 1)
    package static let repetitionCountFailure = Tripped(rawValue: 2)
    package static let adaptiveProportionWarning = Tripped(rawValue: 4)
    package static let adaptiveProportionFailure = Tripped(rawValue: 8)
}

/// The repetition count test (4.4.1) and the adaptive proportion test (4.4.2) of one lane, at both
/// cut-offs. The letters A, B, C, W and X are the standard's; A and B here with the test's name.
package struct LaneReference: Sendable {
    private static let w = 1024

    private let cutoffs: ReferenceCutoffs
    private var repeatedSample = false  // A of 4.4.1
    private var repetitions = 0  // B of 4.4.1; 0 before the first sample
    private var firstSample = false  // A of 4.4.2
    private var matches = 0  // B of 4.4.2
    private var samples = 0  // i of 4.4.2
    /// What tripped since the window began.
    private var tripped: Tripped = []

    package init(cutoffs: ReferenceCutoffs) { self.cutoffs = cutoffs }

    /// Puts the next sample through both tests.
    package mutating func take(_ x: Bool) {
        countRepetitions(x)
        countMatches(x)
    }

    private mutating func countRepetitions(_ x: Bool) {
        if repetitions > 0 && x == repeatedSample {
            repetitions += 1
        } else {
            repeatedSample = x
            repetitions = 1
        }
        if repetitions >= cutoffs.repetitionCountWarning { tripped.insert(.repetitionCountWarning) }
        if repetitions >= cutoffs.repetitionCountFailure { tripped.insert(.repetitionCountFailure) }
    }

    private mutating func countMatches(_ x: Bool) {
        if samples == 0 {
            firstSample = x
            matches = 1
        } else if x == firstSample {
            matches += 1
        }
        samples = samples + 1 == Self.w ? 0 : samples + 1
        if matches >= cutoffs.adaptiveProportionWarning {
            tripped.insert(.adaptiveProportionWarning)
        }
        if matches >= cutoffs.adaptiveProportionFailure {
            tripped.insert(.adaptiveProportionFailure)
        }
    }

    /// What tripped in the window that just ended.
    package mutating func finishWindow() -> Tripped {
        defer { tripped = [] }
        return tripped
    }
}

// SPDX-License-Identifier: Apache-2.0

/// Judges the resistance of each device against the median of its array: a tunnel barrier that breaks
/// down loses most of its resistance, often before its bits show anything.
///
/// The bounds are wide: devices of one array differ by a tenth or so, and drift moves them by less.
package struct ResistanceTest: Sendable, Equatable {
    /// In multiples of the median.
    package static let warningLimits: ClosedRange<Float> = 0.65...1.5
    package static let failureLimits: ClosedRange<Float> = 0.5...2

    /// The lanes outside the limits, a bit each. Every failure is a warning as well.
    package let warning: [UInt64]
    package let failure: [UInt64]

    /// Nothing found, for rows of `words` words.
    package init(words: Int) {
        warning = [UInt64](repeating: 0, count: words)
        failure = warning
    }

    /// - Parameter ohms: the resistance of each lane, a multiple of 64. A value that is no number, or
    ///   not positive, fails.
    package init(ohms: [Float]) {
        let median = ohms.map { $0.isFinite ? $0 : 0 }.sorted()[ohms.count / 2]
        func outside(_ limits: ClosedRange<Float>) -> [UInt64] {
            var mask = [UInt64](repeating: 0, count: ohms.count / 64)
            for (lane, value) in ohms.enumerated() {
                // Written so that what is no number is outside.
                mask.setLane(lane, to: !limits.contains(value / median) || value <= 0)
            }
            return mask
        }
        warning = outside(Self.warningLimits)
        failure = outside(Self.failureLimits)
    }
}

// SPDX-License-Identifier: Apache-2.0

/// What the tests found in every lane in one window, a bit a lane, 64 lanes a word.
package struct WindowFindings: Sendable, Equatable {
    package var repetitionCountWarning: [UInt64]
    package var repetitionCountFailure: [UInt64]
    package var adaptiveProportionWarning: [UInt64]
    package var adaptiveProportionFailure: [UInt64]

    /// Nothing found, for rows of `words` words.
    package init(words: Int) {
        let none = [UInt64](repeating: 0, count: words)
        repetitionCountWarning = none
        repetitionCountFailure = none
        adaptiveProportionWarning = none
        adaptiveProportionFailure = none
    }

    /// The test that decides about one lane and its severity; nil where none tripped. A lane that repeats
    /// itself so long trips the proportion as a consequence, so the repetition count goes first.
    func decisive(ofLane lane: Int) -> (test: LaneAlarm.Test, severity: LaneAlarm.Severity)? {
        if repetitionCountFailure.hasLane(lane) { return (.repetitionCount, .failure) }
        if adaptiveProportionFailure.hasLane(lane) { return (.adaptiveProportion, .failure) }
        if repetitionCountWarning.hasLane(lane) { return (.repetitionCount, .warning) }
        if adaptiveProportionWarning.hasLane(lane) { return (.adaptiveProportion, .warning) }
        return nil
    }

    /// The lanes of one word in which anything was found. Every failure is a warning as well, as
    /// its cut-off is the higher one.
    package func tripped(word: Int) -> UInt64 {
        repetitionCountWarning[word] | adaptiveProportionWarning[word]
    }
}

extension [UInt64] {
    /// Whether the bit of a lane is set in a mask.
    package func hasLane(_ lane: Int) -> Bool { self[lane / 64] >> (lane % 64) & 1 == 1 }

    mutating func setLane(_ lane: Int, to isSet: Bool) {
        let bit: UInt64 = 1 << (lane % 64)
        if isSet { self[lane / 64] |= bit } else { self[lane / 64] &= ~bit }
    }
}

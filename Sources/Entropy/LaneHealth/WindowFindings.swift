// SPDX-License-Identifier: Apache-2.0

/// What the tests of a window found in every lane.
package struct WindowFindings: Sendable, Equatable {
    /// The lanes that one test tripped for, a bit each, 64 lanes a word.
    package struct Lanes: Sendable, Equatable {
        package var warning: [UInt64]
        /// Every failure is a warning as well, as its cut-off is the higher one.
        package var failure: [UInt64]
    }

    /// By the number of the test; nothing for tests that are not of windows.
    private var lanes: [Lanes]

    /// Nothing found, for rows of `words` words.
    package init(words: Int) {
        let none = [UInt64](repeating: 0, count: words)
        lanes = HealthTest.inOrder.map { _ in Lanes(warning: none, failure: none) }
    }

    /// What one test found.
    package subscript(test: HealthTest) -> Lanes {
        get { lanes[test.rawValue] }
        _modify { yield &lanes[test.rawValue] }
    }

    /// The test that decides about one lane and its severity; nil where none tripped.
    package func decisive(ofLane lane: Int) -> (test: HealthTest, severity: LaneAlarm.Severity)? {
        if let test = HealthTest.inOrder.first(where: { self[$0].failure.hasLane(lane) }) {
            return (test, .failure)
        }
        return HealthTest.inOrder.first { self[$0].warning.hasLane(lane) }.map { ($0, .warning) }
    }

    /// The lanes of one word in which anything was found.
    package func tripped(word: Int) -> UInt64 { lanes.reduce(0) { $0 | $1.warning[word] } }
}

extension [UInt64] {
    /// Whether the bit of a lane is set in a mask.
    package func hasLane(_ lane: Int) -> Bool { self[lane / 64] >> (lane % 64) & 1 == 1 }

    mutating func setLane(_ lane: Int, to isSet: Bool) {
        let bit: UInt64 = 1 << (lane % 64)
        if isSet { self[lane / 64] |= bit } else { self[lane / 64] &= ~bit }
    }
}

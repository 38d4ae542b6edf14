// SPDX-License-Identifier: Apache-2.0

/// A step of a lane, or of the whole array, to `warned` or `failed`, and the test that caused it.
package struct LaneAlarm: Sendable, Equatable {
    package enum Severity: String, Sendable {
        case warning
        case failure
    }

    /// Nil for a test of the whole array.
    package let lane: Int?
    package let test: HealthTest
    package let severity: Severity
    /// Which window it was found in, counted from 0.
    package let window: Int

    package init(lane: Int?, test: HealthTest, severity: Severity, window: Int) {
        self.lane = lane
        self.test = test
        self.severity = severity
        self.window = window
    }
}

/// How many lanes are in each state.
package struct LaneCounts: Sendable, Equatable {
    package var starting = 0
    package var good = 0
    package var warned = 0
    package var failed = 0
    package var leased = 0

    /// Lanes whose bits are used.
    package var admitted: Int { good + warned }

    package init() {}

    mutating func add(_ state: LaneState, _ change: Int) {
        switch state {
        case .starting: starting += change
        case .good: good += change
        case .warned: warned += change
        case .failed: failed += change
        case .leased: leased += change
        }
    }
}

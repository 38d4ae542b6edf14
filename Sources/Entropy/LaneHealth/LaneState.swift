// SPDX-License-Identifier: Apache-2.0

/// What the tests found in one lane in one window.
package enum LaneFinding: Sendable, Equatable {
    case clean
    case warning
    /// The long test tripped at its warning cut-off: the lane supports less than is claimed.
    case shortfall
    case failure
}

/// Where a lane stands. Only `good` and `warned` lanes are admitted: their bits are used.
package enum LaneState: Sendable, Equatable {
    /// In the start-up test, with the number of clean windows in a row so far.
    case starting(cleanWindows: Int)
    /// Passed the start-up test, and no alarm since.
    case good
    /// A test tripped at the warning cut-off, with the number of clean windows in a row since.
    case warned(cleanWindows: Int)
    /// A test tripped at the failing cut-off. The way back leads through the start-up test.
    case failed
    /// A client has it for itself: it is not in the stream, and what is there in its place is not judged. The way back
    /// leads through the start-up test.
    case leased

    package static let initial = LaneState.starting(cleanWindows: 0)

    package var isAdmitted: Bool {
        switch self {
        case .good, .warned: true
        case .starting, .failed, .leased: false
        }
    }

    /// Whether it is in its start-up test.
    var isStarting: Bool { if case .starting = self { true } else { false } }

    var isWarned: Bool { if case .warned = self { true } else { false } }

    /// The state after a window.
    ///
    /// - Parameter startUpWindows: how many clean windows in a row the start-up test takes, or a
    ///   warning takes to be lifted.
    package func after(_ finding: LaneFinding, startUpWindows: Int) -> LaneState {
        switch (self, finding) {
        case (.leased, _): .leased
        case (_, .failure), (.failed, .warning), (.failed, .shortfall): .failed
        case (.failed, .clean), (.starting, .warning), (_, .shortfall): .initial
        case (.good, .warning), (.warned, .warning): .warned(cleanWindows: 0)
        case (.good, .clean): .good
        case (.starting(let windows), .clean):
            windows + 1 < startUpWindows ? .starting(cleanWindows: windows + 1) : .good
        case (.warned(let windows), .clean):
            windows + 1 < startUpWindows ? .warned(cleanWindows: windows + 1) : .good
        }
    }
}

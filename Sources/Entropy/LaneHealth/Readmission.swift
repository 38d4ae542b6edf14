// SPDX-License-Identifier: Apache-2.0

/// How many clean windows in a row a lane needs before its bits are used: twice as many each time that it fails soon
/// after it failed before.
package struct Readmission: Sendable, Equatable {
    /// The most windows: 4 million shots.
    package static let longest = 4_096
    /// A lane that has not failed for so many windows is as good as one that never has.
    package static let memory = 65_536
    /// Two periods of the long test, of which one is whole: a lane that failed that test is not used before it has
    /// passed it.
    package static let afterLongTest = 2 * HealthCutoffs.longPeriodShots / HealthCutoffs.windowShots

    package private(set) var windows: Int
    /// Whether the lane has failed and was not admitted since: another failure is none that anybody has to hear of.
    package private(set) var isMasked = false
    private let startUpWindows: Int
    private var lastFailure: Int?

    package init(startUpWindows: Int) {
        windows = startUpWindows
        self.startUpWindows = startUpWindows
    }

    /// - Parameter window: the number of the window in which the lane failed.
    package mutating func failed(by test: HealthTest, window: Int) {
        lengthen(test, window)
        isMasked = true
    }

    /// The lane supports less than is claimed, by the long test.
    ///
    /// - Parameter window: the number of the window in which that was found.
    mutating func fellShort(window: Int) { lengthen(.longPrediction, window) }

    private mutating func lengthen(_ test: HealthTest, _ window: Int) {
        let isSoon = lastFailure.map { window - $0 < Self.memory } ?? false
        let least = test == .longPrediction ? max(startUpWindows, Self.afterLongTest) : startUpWindows
        windows = isSoon ? max(least, min(2 * windows, Self.longest)) : least
        lastFailure = window
    }

    /// The lane's bits are used.
    package mutating func admitted() { isMasked = false }
}

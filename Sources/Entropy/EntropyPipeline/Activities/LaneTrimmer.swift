// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import LaneHealth
import OperatingPointControl

/// Measures the lanes for the trim loop, window by window.
struct LaneTrimmer {
    private static let windowsPerMeasurement =
        TrimLoop.measurementShots / HealthCutoffs.windowShots

    private var loop: TrimLoop
    private var tally: OnesTally
    private var windows = 0
    private let lanes: Int
    private let limits: ClosedRange<Int16>
    private let words: Int
    /// Windows after each change that may hold shots with the previous trims.
    private let latency: Int
    private var skipped = 0
    /// The lanes that were not in the stream for all windows of the measurement, a bit each.
    private var exceptions: [UInt64]

    /// Nil for a board that cannot be trimmed, or whose speed is not known.
    init?(board: BoardDescription, settings: TrimSettings?) {
        guard let settings, let tuning = board.tuning, tuning.trim.contains(0),
            let shotsPerSecond = board.shotsPerSecond
        else { return nil }
        lanes = board.lanes
        limits = tuning.trim
        loop = TrimLoop(
            lanes: board.lanes, limits: tuning.trim, shotsPerSecond: shotsPerSecond,
            settings: settings)
        words = board.wordsPerShot
        tally = OnesTally(words: words)
        exceptions = [UInt64](repeating: 0, count: words)
        let shots = HealthCutoffs.windowShots
        // A window is under way when the trims change.
        latency = (tuning.trimLatencyShots + shots - 1) / shots + 1
    }

    var isLearning: Bool { loop.state != .holding }

    /// What the board is to be set to before the first window.
    var trims: [Int16] { loop.trims }

    var status: TrimStatus {
        TrimStatus(
            state: loop.state, trims: loop.trims, lanes: loop.laneStates, limits: limits,
            isSearching: loop.isSearching)
    }

    /// Restarts the measurement, after windows that were not taken.
    mutating func restartMeasurement() {
        tally = OnesTally(words: words)
        for word in exceptions.indices { exceptions[word] = 0 }
        windows = 0
    }

    /// Takes a tested window.
    ///
    /// - Parameter away: the lanes that were not in the stream for all of it, a bit each.
    /// - Returns: what the trims are to be from now on; nil when there is nothing to change.
    mutating func add(_ window: HealthWindow, away: [UInt64]) -> [Int16]? {
        guard skipped == latency else {
            skipped += 1
            return nil
        }
        tally.add(window.onesPlanes, stride: window.stride)
        for word in exceptions.indices { exceptions[word] |= away[word] }
        windows += 1
        guard windows == Self.windowsPerMeasurement else { return nil }
        loop.enter(ones: (0..<lanes).map { tally[$0] }, isMeasured: { !exceptions.hasLane($0) })
        restartMeasurement()
        skipped = 0
        return loop.trims
    }
}

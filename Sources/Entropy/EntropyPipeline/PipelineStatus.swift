// SPDX-License-Identifier: Apache-2.0

package import ArrayLeases
package import BoardInterface
package import BoardProtocol
package import LaneHealth
package import OperatingPointControl

/// What a pipeline is doing, as it is shown.
package enum PipelineState: Sendable, Equatable {
    /// The trims of the lanes are being learned; nothing was served since the board was opened.
    case tuning
    /// The lanes are in their start-up test; nothing was served since the board was opened.
    case starting
    /// Enough lanes are good, and bits are served.
    case serving
    /// Too few lanes are good: nothing is served until enough have passed the start-up test again.
    case unhealthy(good: Int, minimum: Int)
    /// The lanes are correlated: nothing is served until they have passed the start-up test again.
    case correlated
    /// The board sends bits again that it sent before: nothing is served until it has sent new ones for a start-up test.
    case repeating
    /// Operating points are being measured: nothing is served.
    case calibrating
    /// A client has all lanes, or the stream is stopped for it: nothing is served.
    case leased
    /// Frames go to a recording, and their bits are served to nobody.
    case recording
    /// The source that feeds the board is silent; says what is waited for. What is in the rings is served if it was
    /// before.
    case waiting(String)
    /// The board gives no frames. It is tried again and again, and is failed until one comes.
    case failed(BoardError)
    /// The board has ended. What is in the rings is served, and no more comes.
    case ended(BoardError)

    /// Whether the other state differs at most in its numbers, or in what is waited for.
    package func isSameKind(as other: PipelineState) -> Bool {
        switch (self, other) {
        case (.unhealthy, .unhealthy), (.waiting, .waiting): true
        default: self == other
        }
    }

    /// Whether it goes on from `earlier`, so that it began when that did: a board that has failed stays so while the
    /// reason changes.
    func continues(_ earlier: PipelineState) -> Bool {
        if case (.failed, .failed) = (self, earlier) { return true }
        return isSameKind(as: earlier)
    }
}

/// An alarm with the time it was raised.
package struct TimedAlarm: Sendable, Equatable {
    package let alarm: LaneAlarm
    /// The window in which it was found, of all windows judged since the board was first opened, counted from 0.
    package let window: Int
    /// Seconds since the Unix epoch.
    package let time: Double
    /// What the test measured, in bits of min-entropy per bit; nil for tests that measure nothing of the kind.
    package let measuredEntropyPerBit: Double?
}

/// What holds the lanes at 50 % ones, at one moment.
package struct TrimStatus: Sendable, Equatable {
    package let state: TrimLoop.State
    /// For each lane, in steps of the board.
    package let trims: [Int16]
    /// For each lane.
    package let lanes: [TrimmedLaneState]
    /// In steps of the board.
    package let limits: ClosedRange<Int16>
    /// Whether the trims of any lane are moved over their range for now.
    package let isSearching: Bool

    /// The number of lanes that no trim brings to 50 % ones.
    package var untrimmable: Int { lanes.count { $0 == .untrimmable } }
}

/// What was counted of a board's lanes before they last started over, as after a change of the operating point.
package struct EarlierLanes: Sendable, Equatable {
    /// The number of windows judged.
    package private(set) var windows = 0
    /// The board that the alarms are of.
    private var serial = ""
    /// For each test, the alarms of each lane; empty when there were none.
    private var alarms: [[Int]] = []

    /// Adds what a ledger has counted, which is about to be replaced.
    mutating func add(_ ledger: LaneLedger, of serial: String) {
        windows += ledger.windows
        let counts = HealthTest.allCases.map { ledger.alarms(of: $0) }
        let isSame = self.serial == serial && alarms.first?.count == ledger.lanes
        alarms = isSame ? zip(alarms, counts).map { zip($0, $1).map { $0 + $1 } } : counts
        self.serial = serial
    }

    /// Forgets the alarms of another board.
    mutating func keepAlarms(of serial: String, lanes: Int) {
        if self.serial != serial || alarms.first?.count != lanes { alarms = [] }
    }

    package func alarms(of test: HealthTest, lane: Int) -> Int {
        guard let index = HealthTest.allCases.firstIndex(of: test), alarms.indices.contains(index) else { return 0 }
        return alarms[index][lane]
    }
}

/// Everything about a pipeline at one moment, for the control plane.
package struct PipelineStatus: Sendable {
    package let state: PipelineState
    /// Seconds since the Unix epoch.
    package let stateSince: Double
    package let isResting: Bool
    /// What the board is; nil until it was opened once.
    package let description: BoardDescription?
    /// The lanes since their start-up test last began; nil until it did once.
    package let ledger: LaneLedger?
    /// What was counted before then.
    package let earlier: EarlierLanes
    /// What was measured of the lanes since then; nil until it began once.
    package let monitor: LaneMonitor?
    /// What the last whole period of the long test supports; nil until the lanes began once.
    package let horizon: LongHorizon?
    /// Nil for a board whose lanes are not trimmed.
    package let trim: TrimStatus?
    /// Nil for a board that measures nothing about itself.
    package let telemetry: BoardTelemetry?
    /// Those that clients have now.
    package let leases: [Lease]
    /// The newest last.
    package let alarms: [TimedAlarm]
}

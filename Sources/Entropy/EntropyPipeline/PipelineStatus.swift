// SPDX-License-Identifier: Apache-2.0

package import BoardInterface
package import BoardProtocol
package import EntropyRing
package import LaneHealth
package import OperatingPointControl
package import Synchronization

/// What a pipeline is doing.
package enum PipelineState: Sendable, Equatable {
    /// The trims of the lanes are being learned; nothing was served since the board was opened.
    case tuning
    /// The lanes are in their start-up test; nothing was served since the board was opened.
    case starting
    /// Enough lanes are good, and bits are served.
    case serving
    /// Too few lanes are good: nothing is served until enough have passed the start-up test again.
    case unhealthy(good: Int, minimum: Int)
    /// The lanes move together: nothing is served until they have passed the start-up test again.
    case correlated
    /// Operating points are being measured: nothing is served.
    case calibrating
    /// Frames go to a recording, and their bits to nobody else.
    case recording
    /// The board gives no frames. It is tried again and again, and is failed until one comes.
    case failed(BoardError)
    /// The board has given all it has. What is in the rings is served, and no more comes.
    case ended(BoardError)

    /// Whether the other state is the same but for its numbers.
    package func isSameKind(as other: PipelineState) -> Bool {
        if case (.unhealthy, .unhealthy) = (self, other) { return true }
        return self == other
    }
}

/// Something that a log should tell.
package enum PipelineEvent: Sendable, Equatable {
    /// The board was opened, and its first frame has come.
    case opened(BoardDescription)
    case became(PipelineState)
    case alarm(LaneAlarm)
    /// Shots that the board or the cable lost.
    case shotsDropped(UInt64)
    /// Frames that could not be used, after some that could: the first of a row of them.
    case framesRejected(FrameReader.Rejection)
    case operatingPointSet(OperatingPoint)
    case recorded(shots: Int)
    /// After so many shots of the board had been judged; alarms count likewise.
    case faultInjected(FaultOrder, judgedShots: Int)
    case faultsCleared
}

/// An alarm with the time it was raised.
package struct TimedAlarm: Sendable, Equatable {
    package let alarm: LaneAlarm
    /// Seconds since the Unix epoch.
    package let time: Double
}

/// What holds the lanes at half ones, at one moment.
package struct TrimStatus: Sendable, Equatable {
    package let state: TrimLoop.State
    /// In steps of the board, a lane each.
    package let trims: [Int16]
    package let untrimmable: Int
}

/// Counts that the pipeline's thread writes and anybody may read; each by itself is exact, and they
/// need not fit each other.
package final class PipelineCounters: Sendable {
    package let shots = Atomic<UInt64>(0)
    package let framesAccepted = Atomic<UInt64>(0)
    package let framesRejected = Atomic<UInt64>(0)
    package let bytesSkipped = Atomic<UInt64>(0)
    package let shotsDropped = Atomic<UInt64>(0)
    /// Bits of min-entropy credited to the input of `full` blocks.
    package let creditedBits = Atomic<UInt64>(0)
    /// Temperature of the array in units of 0.01 °C, as the last frame said.
    package let temperature = Atomic<Int>(0)
    /// When bits last entered a ring, in monotonic nanoseconds; 0 before the first.
    package let newestBits = Atomic<UInt64>(0)
    /// Whether the rings are full, so that the board rests.
    package let isResting = Atomic<Bool>(false)
    package let shotsPerSecond = RateMeter()
}

/// What stands behind a lock: read and written once a window at most.
struct PipelineBook: Sendable {
    /// How many alarms of each severity are kept to be shown: a healthy array warns again and again, and
    /// would push out the failures.
    static let alarmCapacity = 64

    var state = PipelineState.starting
    /// Seconds since the Unix epoch.
    var stateSince: Double
    var description: BoardDescription?
    /// Where boards were driven before a job that drives them elsewhere for now, by their serial numbers;
    /// also of one that failed meanwhile, and in whose place another one is.
    var before: [String: OperatingPoint] = [:]
    var ledger: LaneLedger?
    var monitor: LaneMonitor?
    var trim: TrimStatus?
    var telemetry: BoardTelemetry?
    /// The newest last.
    var alarms: [TimedAlarm] = []

    mutating func add(_ alarm: TimedAlarm) {
        let alike = alarms.indices.filter { alarms[$0].alarm.severity == alarm.alarm.severity }
        if alike.count == Self.alarmCapacity { alarms.remove(at: alike[0]) }
        alarms.append(alarm)
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
    /// Likewise.
    package let monitor: LaneMonitor?
    /// Nil for a board whose lanes are not trimmed.
    package let trim: TrimStatus?
    /// Nil for a board that measures nothing about itself.
    package let telemetry: BoardTelemetry?
    /// The newest last.
    package let alarms: [TimedAlarm]
}

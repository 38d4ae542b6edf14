// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import DaemonConfiguration
import EntropyPipeline
import EntropyTerms
import LaneHealth
import Logging

/// Events of a board that are alike.
enum RepeatedEvent: Hashable {
    case alarm(LaneAlarm.Severity, LaneAlarm.Test, lane: Int?)
    case shotsDropped
    case framesRejected
}

extension RepeatedEvent {
    /// How the log tells how much there was of what was not told by itself.
    func sum(_ amount: Int) -> LogLine {
        switch self {
        case .alarm(_, let test, let lane):
            LogLine(
                .laneFailed, .warning,
                "since then, \(lane.subject) failed the \(test.text) \(amount) times",
                .alarm(test, lane: lane))
        case .shotsDropped:
            LogLine(
                .shotsLost, .warning,
                "since then, \(amount) shots were lost between the array and this program")
        case .framesRejected:
            LogLine(.shotsLost, .warning, "since then, frames were not used \(amount) times")
        }
    }
}

/// What the log tells of an event.
struct LogLine {
    /// Nil for what nobody is going to look for.
    let event: JournalEvent?
    let level: Logger.Level
    let text: String
    let fields: Logger.Metadata

    init(
        _ event: JournalEvent?, _ level: Logger.Level, _ text: String,
        _ fields: Logger.Metadata = [:]
    ) {
        self.event = event
        self.level = level
        self.text = text
        self.fields = fields
    }
}

extension PipelineEvent {
    /// What it is one more time of, for events of which there can be very many.
    var repeated: RepeatedEvent? {
        switch self {
        case .alarm(let alarm): .alarm(alarm.severity, alarm.test, lane: alarm.lane)
        case .shotsDropped: .shotsDropped
        case .framesRejected: .framesRejected
        case .opened, .became, .operatingPointSet, .recorded, .faultInjected, .faultsCleared: nil
        }
    }

    /// Whether there can be very many of its kind.
    var isFrequent: Bool { repeated != nil }

    /// How much it is one more of.
    var amount: Int {
        if case .shotsDropped(let count) = self { Int(clamping: count) } else { 1 }
    }

    /// Whether it is part of normal life: a healthy lane trips the warning with probability 2^-20.
    var isRoutine: Bool {
        if case .alarm(let alarm) = self { alarm.severity == .warning } else { false }
    }

    /// How the log tells it.
    ///
    /// - Parameter kind: of the board; nil when it is not known.
    func logLine(of kind: BoardSettings.Kind?) -> LogLine {
        switch self {
        case .opened(let board):
            let note = board.provenance.isGenuine ? "" : "; its bits are NOT random"
            let text =
                "opened \(board.serial), \(board.lanes) lanes, \(board.provenance.name)\(note)"
            return LogLine(.boardOpened, board.provenance.isGenuine ? .info : .warning, text)
        case .became(let state):
            return state.logLine(of: kind)
        case .alarm(let alarm):
            return alarm.logLine
        case .shotsDropped(let count):
            return LogLine(
                .shotsLost, .warning,
                "\(count) shots were lost between the array and this program")
        case .framesRejected(let rejection):
            return LogLine(.shotsLost, .warning, "frames were not used: \(rejection.reason)")
        case .operatingPointSet(let point):
            return LogLine(.boardChanged, .info, "the operating point is \(point.text)")
        case .recorded(let shots):
            return LogLine(
                .boardChanged, .info, "\(shots) shots were recorded and are served to nobody")
        case .faultInjected(let order, let shots):
            let lanes = order.lanes.isEmpty ? "" : ", lanes \(LaneList.text(order.lanes))"
            return LogLine(
                .boardChanged, .warning,
                "made to fail after \(shots) shots: \(order.fault.text)\(lanes)")
        case .faultsCleared:
            return LogLine(.boardChanged, .info, "all faults that were made are ended")
        }
    }
}

extension PipelineState {
    fileprivate func logLine(of kind: BoardSettings.Kind?) -> LogLine {
        switch self {
        case .tuning: LogLine(nil, .info, "learning the trims of the lanes")
        case .starting: LogLine(nil, .info, "testing the lanes before anything is served")
        case .serving: LogLine(.boardServing, .info, "serving bits")
        case .calibrating:
            LogLine(
                .boardChanged, .info, "measuring operating points; nothing is served meanwhile")
        case .recording:
            LogLine(.boardChanged, .info, "recording; what is recorded is served to nobody")
        case .correlated:
            LogLine(.boardUnhealthy, .error, "serves nothing: the lanes move together")
        case .unhealthy(let good, let minimum):
            LogLine(
                .boardUnhealthy, .error,
                "serves nothing: \(good) good lanes, at least \(minimum) are needed")
        case .failed(let error):
            LogLine(
                .boardFailed, .error,
                "\(error); \(kind.map { error.remedy(for: $0) } ?? error.remedy)")
        case .ended(let error): LogLine(.boardEnded, .warning, "\(error)")
        }
    }
}

extension OperatingPoint {
    fileprivate var text: String {
        "\(amplitudeMillivolts) mV, \(pulseWidthPicoseconds) ps, \(biasFieldMicrotesla) µT"
    }
}

extension FrameReader.Rejection {
    fileprivate var reason: String {
        switch self {
        case .header(.version(let version)): "version \(version) of the frame format"
        case .header: "no valid header"
        case .shape: "they do not fit the board's description"
        case .pattern: "a link-test pattern"
        case .checksum: "a checksum does not hold"
        case .outOfSequence: "they came before"
        }
    }
}

extension LaneAlarm {
    fileprivate var logLine: LogLine {
        let fields = Logger.Metadata.alarm(test, lane: lane)
        return switch severity {
        case .failure:
            LogLine(
                .laneFailed, .warning,
                "\(lane.subject) failed the \(test.text)\(lane == nil ? "" : " and is masked")",
                fields)
        case .warning:
            LogLine(
                nil, .debug, "\(lane.subject) reached the warning cut-off of the \(test.text)",
                fields)
        }
    }
}

extension Logger.Metadata {
    fileprivate static func alarm(_ test: LaneAlarm.Test, lane: Int?) -> Self {
        var fields: Self = [JournalField.test: "\(test.rawValue)"]
        if let lane { fields[JournalField.lane] = "\(lane)" }
        return fields
    }
}

extension Int? {
    /// A lane, or all of them.
    fileprivate var subject: String { map { "lane \($0)" } ?? "the array" }
}

extension LaneAlarm.Test {
    fileprivate var text: String {
        switch self {
        case .repetitionCount: "repetition count test"
        case .adaptiveProportion: "adaptive proportion test"
        case .resistance: "test of resistances"
        case .crossLane: "test across lanes"
        }
    }
}

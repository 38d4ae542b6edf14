// SPDX-License-Identifier: Apache-2.0

import Boards
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

    /// How the log tells it.
    var logLine: LogLine {
        switch self {
        case .opened(let board):
            let note = board.provenance.isGenuine ? "" : "; its bits are NOT random"
            let text =
                "opened \(board.serial), \(board.lanes) lanes, \(board.provenance.name)\(note)"
            return LogLine(.boardOpened, board.provenance.isGenuine ? .info : .warning, text)
        case .became(let state):
            return state.logLine
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
    fileprivate var logLine: LogLine {
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
        case .failed(let error): LogLine(.boardFailed, .error, "\(error); \(error.remedy)")
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
        let subject = lane.map { "lane \($0)" } ?? "the array"
        var fields: Logger.Metadata = [JournalField.test: "\(test.rawValue)"]
        if let lane { fields[JournalField.lane] = "\(lane)" }
        return switch severity {
        case .failure:
            LogLine(
                .laneFailed, .warning,
                "\(subject) failed the \(test.text)\(lane == nil ? "" : " and is masked")", fields)
        case .warning:
            // Part of normal life: a healthy source trips it with probability 2^-20.
            LogLine(
                nil, .debug, "\(subject) reached the warning cut-off of the \(test.text)", fields)
        }
    }
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

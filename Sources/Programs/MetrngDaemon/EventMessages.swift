// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import DaemonConfiguration
import EntropyPipeline
import EntropyTerms
import LaneHealth
import Logging

/// A class of events of a board that are summed up together.
enum RepeatedEvent: Hashable {
    case alarm(HealthTest)
    case shotsDropped
    case framesRejected
}

extension RepeatedEvent {
    /// The most lanes that a sum names.
    private static let namedLanes = 16

    /// The log line for the sum of events that were not logged one by one.
    ///
    /// - Parameter lanes: those that the events are of; nil among them for the whole array.
    func sum(of lanes: Set<Int?>, amount: Int) -> LogLine {
        switch self {
        case .alarm(let test):
            LogLine(
                .laneFailed, .warning,
                "since then, \(Self.subject(lanes)) failed the \(test.title) \(amount) times",
                .alarm(test, lane: lanes.count == 1 ? lanes.first ?? nil : nil))
        case .shotsDropped:
            LogLine(
                .shotsLost, .warning,
                "since then, \(amount) shots were lost between the array and this program")
        case .framesRejected:
            LogLine(.shotsLost, .warning, "since then, frames were rejected \(amount) times")
        }
    }

    private static func subject(_ lanes: Set<Int?>) -> String {
        let numbers = lanes.compactMap { $0 }.sorted()
        switch numbers.count {
        case 0: return Int?.none.subject
        case 1: return Int?.some(numbers[0]).subject
        case ...namedLanes: return "lanes \(LaneList.text(numbers))"
        default: return "\(numbers.count) lanes (see mectl health)"
        }
    }
}

/// The log line of an event.
struct LogLine {
    /// Nil for lines without an event id.
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
    /// The repeated event that it belongs to, for events of which there can be very many.
    var repeated: RepeatedEvent? {
        switch self {
        case .alarm(let alarm): .alarm(alarm.test)
        case .shotsDropped: .shotsDropped
        case .framesRejected: .framesRejected
        case .opened, .became, .operatingPointSet, .recorded, .faultInjected, .faultsCleared: nil
        }
    }

    /// Whether there can be very many of its kind.
    var isFrequent: Bool { repeated != nil }

    /// The lane that it is of; nil for the whole array, and for events that concern none.
    var lane: Int? { if case .alarm(let alarm) = self { alarm.lane } else { nil } }

    /// Whether it tells what the board is doing by itself: a board may go back and forth for ever.
    var isStateChange: Bool {
        switch self {
        case .opened, .became: true
        case .alarm, .shotsDropped, .framesRejected, .operatingPointSet, .recorded, .faultInjected, .faultsCleared:
            false
        }
    }

    /// The amount that it adds to a sum.
    var amount: Int {
        if case .shotsDropped(let count) = self { Int(clamping: count) } else { 1 }
    }

    /// Whether it is routine: a healthy lane trips the warning with probability 2^-20.
    var isRoutine: Bool {
        if case .alarm(let alarm) = self { alarm.severity == .warning } else { false }
    }

    /// The log line.
    ///
    /// - Parameter kind: of the board; nil when it is not known.
    func logLine(of kind: BoardSettings.Kind?) -> LogLine {
        switch self {
        case .opened(let board):
            let note = board.provenance.isGenuine ? "" : "; its bits are NOT random"
            let source = board.recordedFrom.map { " of \($0.name) bits" } ?? ""
            let text =
                "opened \(board.serial), \(board.lanes) lanes, \(board.provenance.name)\(source)\(note)"
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
            return LogLine(.shotsLost, .warning, "frames were rejected: \(rejection.reason)")
        case .operatingPointSet(let point):
            return LogLine(.boardChanged, .info, "the operating point is \(point.text)")
        case .recorded(let shots):
            return LogLine(
                .boardChanged, .info, "\(shots) shots were recorded; they are not served")
        case .faultInjected(let order, let shots):
            let lanes = order.lanes.isEmpty ? "" : ", lanes \(LaneList.text(order.lanes))"
            return LogLine(
                .boardChanged, .warning,
                "fault injected, from shot \(shots): \(order.fault.text)\(lanes)")
        case .faultsCleared:
            return LogLine(.boardChanged, .info, "all injected faults have ended")
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
        case .leased:
            LogLine(.boardChanged, .info, "all lanes are leased; nothing is served meanwhile")
        case .recording:
            LogLine(.boardChanged, .info, "recording; recorded bits are not served")
        case .correlated:
            LogLine(.boardUnhealthy, .error, "serves nothing: common-mode correlation of the lanes")
        case .repeating:
            LogLine(.boardUnhealthy, .error, "serves nothing: it sends bits again that it sent before")
        case .unhealthy(let good, let minimum):
            LogLine(
                .boardUnhealthy, .error,
                "serves nothing: \(good) good lanes, at least \(minimum) are needed")
        case .waiting(let awaited): LogLine(.boardWaiting, .warning, "waiting for the source: \(awaited)")
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
        "\(tenths(amplitudeMillivolts)) mV, \(tenths(pulseWidthPicoseconds)) ps, \(tenths(biasFieldMicrotesla)) µT"
    }
}

/// A value to a tenth of its unit; a calibration interpolates, and gives more digits than mean anything.
private func tenths(_ value: Double) -> String {
    let rounded = (value * 10).rounded() / 10
    return Int(exactly: rounded).map { "\($0)" } ?? "\(rounded)"
}

extension FrameReader.Rejection {
    fileprivate var reason: String {
        switch self {
        case .header(.version(let version)): "version \(version) of the frame format"
        case .header: "no valid header"
        case .shape: "they do not match the board's description"
        case .pattern: "a link-test pattern"
        case .checksum: "wrong checksum"
        case .outOfSequence: "they arrived before"
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
                "\(lane.subject) failed the \(test.title)\(lane == nil ? "" : " and is masked")",
                fields)
        case .warning:
            LogLine(
                nil, .debug, "\(lane.subject) reached the warning cut-off of the \(test.title)",
                fields)
        }
    }
}

extension Logger.Metadata {
    fileprivate static func alarm(_ test: HealthTest, lane: Int?) -> Self {
        var fields: Self = [JournalField.test: "\(test.name)"]
        if let lane { fields[JournalField.lane] = "\(lane)" }
        return fields
    }
}

extension Int? {
    /// A lane, or the whole array.
    fileprivate var subject: String { map { "lane \($0)" } ?? "the array" }
}

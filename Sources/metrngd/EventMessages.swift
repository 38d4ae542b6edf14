// SPDX-License-Identifier: Apache-2.0

import Boards
import EntropyPipeline
import EntropyTerms
import LaneHealth
import Logging

extension PipelineEvent {
    /// Whether there can be very many of its kind.
    var isFrequent: Bool {
        switch self {
        case .alarm, .shotsDropped, .framesRejected: true
        case .opened, .became, .operatingPointSet, .recorded, .faultInjected, .faultsCleared: false
        }
    }

    /// How the log tells it, and how severe it is.
    var logLine: (level: Logger.Level, text: String) {
        switch self {
        case .opened(let board):
            let note = board.provenance.isGenuine ? "" : "; its bits are NOT random"
            let text =
                "opened \(board.serial), \(board.lanes) lanes, \(board.provenance.name)\(note)"
            return (board.provenance.isGenuine ? .info : .warning, text)
        case .became(let state):
            return state.logLine
        case .alarm(let alarm):
            // A warning is part of normal life: a healthy source trips it with probability 2^-20.
            return (alarm.severity == .failure ? .warning : .debug, alarm.text)
        case .shotsDropped(let count):
            return (.warning, "\(count) shots were lost between the array and this program")
        case .framesRejected(let rejection):
            return (.warning, "frames were not used: \(rejection.reason)")
        case .operatingPointSet(let point):
            return (.info, "the operating point is \(point.text)")
        case .recorded(let shots):
            return (.info, "\(shots) shots were recorded and are served to nobody")
        case .faultInjected(let order, let shots):
            let lanes = order.lanes.isEmpty ? "" : ", lanes \(LaneList.text(order.lanes))"
            return (.warning, "made to fail after \(shots) shots: \(order.fault.text)\(lanes)")
        case .faultsCleared:
            return (.info, "all faults that were made are ended")
        }
    }
}

extension PipelineState {
    fileprivate var logLine: (level: Logger.Level, text: String) {
        switch self {
        case .tuning: (.info, "learning the trims of the lanes")
        case .correlated: (.error, "serves nothing: the lanes move together")
        case .calibrating: (.info, "measuring operating points; nothing is served meanwhile")
        case .recording: (.info, "recording; what is recorded is served to nobody")
        case .ended(let error): (.warning, "\(error)")
        case .starting: (.info, "testing the lanes before anything is served")
        case .serving: (.info, "serving bits")
        case .unhealthy(let good, let minimum):
            (.error, "serves nothing: \(good) good lanes, at least \(minimum) are needed")
        case .failed(let error): (.error, "\(error); \(error.remedy)")
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
    fileprivate var text: String {
        let subject = lane.map { "lane \($0)" } ?? "the array"
        return severity == .failure
            ? "\(subject) failed the \(test.text)\(lane == nil ? "" : " and is masked")"
            : "\(subject) reached the warning cut-off of the \(test.text)"
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

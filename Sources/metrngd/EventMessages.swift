// SPDX-License-Identifier: Apache-2.0

import Boards
import EntropyPipeline
import EntropyTerms
import LaneHealth
import Logging

extension PipelineEvent {
    /// Whether it is about a lane, so that there can be very many of them.
    var isAlarm: Bool { if case .alarm = self { true } else { false } }

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
        }
    }
}

extension PipelineState {
    fileprivate var logLine: (level: Logger.Level, text: String) {
        switch self {
        case .starting: (.info, "testing the lanes before anything is served")
        case .serving: (.info, "serving bits")
        case .unhealthy(let good, let minimum):
            (.error, "serves nothing: \(good) good lanes, at least \(minimum) are needed")
        case .failed(let error): (.error, "\(error); \(error.remedy)")
        }
    }
}

extension LaneAlarm {
    fileprivate var text: String {
        let name =
            switch test {
            case .repetitionCount: "repetition count test"
            case .adaptiveProportion: "adaptive proportion test"
            }
        return severity == .failure
            ? "lane \(lane) failed the \(name) and is masked"
            : "lane \(lane) reached the warning cut-off of the \(name)"
    }
}

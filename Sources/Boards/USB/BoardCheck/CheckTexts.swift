// SPDX-License-Identifier: Apache-2.0

import BoardProtocol

// The names of docs/board-protocol.md, for findings.

extension BoardRequest {
    var text: String {
        switch self {
        case .getInfo: "GET_INFO"
        case .getStatus: "GET_STATUS"
        case .operatingPoint: "OPERATING_POINT"
        case .setLaneTrim: "SET_LANE_TRIM"
        case .setLaneMask: "SET_LANE_MASK"
        case .start: "START"
        case .stop: "STOP"
        case .selfTest: "SELF_TEST"
        case .reset: "RESET"
        case .array: "ARRAY"
        case .lanesAside: "LANES_ASIDE"
        }
    }
}

extension ArrayOperation {
    var text: String {
        switch self {
        case .write: "WRITE"
        case .pulse: "PULSE"
        case .read: "READ"
        }
    }
}

extension StatusRecord.Activity {
    var text: String {
        switch self {
        case .idle: "idle"
        case .streaming: "streaming"
        case .linkTest: "in a link test"
        }
    }
}

extension OperatingPoint {
    var text: String {
        "\(amplitudeMillivolts) mV, \(pulseWidthPicoseconds) ps and \(biasFieldMicrotesla) µT"
    }
}

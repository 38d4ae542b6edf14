// SPDX-License-Identifier: Apache-2.0

import BoardProtocol

// What findings call things: as docs/board-protocol.md does.

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

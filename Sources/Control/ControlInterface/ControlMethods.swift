// SPDX-License-Identifier: Apache-2.0

import BoardProtocol

/// The methods of `org.metrng.Control`.
package enum ControlMethod: String, Sendable, CaseIterable {
    case getStatus = "GetStatus"
    case listBoards = "ListBoards"
    case getHealth = "GetHealth"
    case watch = "Watch"
    case getConfig = "GetConfig"
    case getMetrics = "GetMetrics"
    case reload = "Reload"
    case setOperatingPoint = "SetOperatingPoint"
    case calibrate = "Calibrate"
    case record = "Record"
    case injectFault = "InjectFault"

    /// As it is called.
    package var qualifiedName: String { "\(controlInterfaceName).\(rawValue)" }
}

/// The parameters of `GetStatus` and `GetHealth`.
struct BoardParameters: Codable {
    static let names: Set = ["board"]
    var board: String?
}

/// The parameters of `Watch`.
struct WatchParameters: Codable {
    static let names: Set = ["board", "intervalSeconds"]
    var board: String?
    var intervalSeconds: Double?
}

/// The reply to `GetStatus` and each one to `Watch`.
package struct StatusReport: Codable, Sendable, Equatable {
    package var service: ServiceStatus
    package var boards: [BoardStatus]

    package init(
        service: ServiceStatus, boards: [BoardStatus]
    ) {
        self.service = service
        self.boards = boards
    }
}

/// The reply to `ListBoards`.
package struct BoardList: Codable, Sendable, Equatable {
    package var boards: [BoardSummary]

    package init(boards: [BoardSummary]) {
        self.boards = boards
    }
}

/// The reply to `GetHealth`.
package struct HealthReply: Codable, Sendable, Equatable {
    package var health: BoardHealth
}

/// The configuration in force: the reply to `GetConfig`.
package struct ConfigurationReport: Codable, Sendable, Equatable {
    /// Where it came from, in reading order; empty for the built-in values.
    package var files: [String]
    package var yaml: String

    package init(
        files: [String], yaml: String
    ) {
        self.files = files
        self.yaml = yaml
    }
}

/// The reply to `GetMetrics`.
struct MetricsReply: Codable, Sendable {
    var text: String
}

/// The parameters of `SetOperatingPoint`: one object with the name of the board and the quantities to set.
struct SetOperatingPointParameters: Codable {
    static let names: Set = [
        "board", "amplitudeMillivolts", "pulseWidthPicoseconds", "biasFieldMicrotesla",
    ]
    var board: String?
    var point: PartialOperatingPoint

    private enum CodingKeys: CodingKey { case board }

    init(board: String?, point: PartialOperatingPoint) {
        self.board = board
        self.point = point
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        board = try container.decodeIfPresent(String.self, forKey: .board)
        point = try PartialOperatingPoint(from: decoder)
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(board, forKey: .board)
        try point.encode(to: encoder)
    }
}

/// The reply to `SetOperatingPoint`.
struct OperatingPointReply: Codable, Sendable {
    var operatingPoint: OperatingPoint
}

/// The parameters of `Calibrate`.
struct CalibrateParameters: Codable {
    static let names: Set = ["board", "amplitudes", "widths", "shotsPerPoint"]
    var board: String?
    var amplitudes: SweepRange?
    var widths: SweepRange?
    var shotsPerPoint: Int
}

/// The parameters of `Record`.
struct RecordParameters: Codable {
    static let names: Set = ["board", "shots", "restarts"]
    var board: String?
    var shots: Int
    var restarts: Int?
}

/// The parameters of `InjectFault`.
struct InjectFaultParameters: Codable {
    static let names: Set = ["board", "fault", "lanes", "afterShots", "forShots"]
    var board: String?
    var fault: String
    var lanes: [Int]?
    var afterShots: Int?
    var forShots: Int?
}

// SPDX-License-Identifier: Apache-2.0

/// The methods of `org.metrng.Control`.
package enum ControlMethod: String, Sendable, CaseIterable {
    case getStatus = "GetStatus"
    case listBoards = "ListBoards"
    case getHealth = "GetHealth"
    case watch = "Watch"
    case getConfig = "GetConfig"

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
struct HealthReply: Codable, Sendable {
    var health: BoardHealth
}

/// The configuration in force: the reply to `GetConfig`.
package struct ConfigurationReport: Codable, Sendable, Equatable {
    /// Where it came from; nil for the built-in values.
    @Nullable package var file: String?
    package var yaml: String

    package init(
        file: String?, yaml: String
    ) {
        self.file = file
        self.yaml = yaml
    }
}

/// What the error `NoSuchBoard` carries.
struct NoSuchBoard: Codable {
    static let name = "\(controlInterfaceName).NoSuchBoard"
    var board: String
    var boards: [String]
}

// SPDX-License-Identifier: Apache-2.0

package import BoardOperations

/// The methods of `org.metrng.Control` that are no operations of a board.
package enum ControlMethod: String, Sendable, CaseIterable {
    case getStatus = "GetStatus"
    case listBoards = "ListBoards"
    case getHealth = "GetHealth"
    case watch = "Watch"
    case getConfig = "GetConfig"
    case getMetrics = "GetMetrics"
    case reload = "Reload"

    /// The name with its interface in front.
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

extension BoardOperation {
    /// The name of the method with its interface in front.
    package static var qualifiedName: String { "\(controlInterfaceName).\(method)" }
}

/// The parameters of a method that begins an operation: one object with the name or serial number of the board and the
/// parameters of the operation.
struct OperationCall<Operation: BoardOperation>: Codable {
    static var names: Set<String> { Operation.parameterNames.union(["board"]) }

    var board: String?
    var operation: Operation

    private enum CodingKeys: CodingKey { case board }

    init(board: String?, operation: Operation) {
        self.board = board
        self.operation = operation
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        board = try container.decodeIfPresent(String.self, forKey: .board)
        operation = try Operation(from: decoder)
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(board, forKey: .board)
        try operation.encode(to: encoder)
    }
}

// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import EntropyTerms
import LinuxPlatform
import Varlink

/// The call of `org.metrng.Control.Lease`, and its reply.
struct LeaseCall: Encodable {
    static let interface = "org.metrng.Control"
    static let method = "\(interface).Lease"

    var board: String?
    var lanes: [Int]?
    var count: Int?
    var seconds: Int
    var operatingPoint: OperatingPoint?

    struct Reply: Decodable {
        struct Limits<Value: Decodable & Comparable>: Decodable {
            let lower, upper: Value

            /// Nil when the ends are in the wrong order or are no numbers.
            var range: ClosedRange<Value>? { lower <= upper ? lower...upper : nil }
        }

        let board: String
        let provenance: String
        let healthEpoch: Int
        let lanes: [Int]
        let streamContinues: Bool
        let operatingPoint: OperatingPoint
        let amplitudeLimits, widthLimits, fieldLimits: Limits<Double>
        let trimLimits: Limits<Int>?
        let shotsPerSecond: Double?
        let seconds: Int
    }

    /// Calls the method.
    ///
    /// - Parameter path: of the control socket.
    /// - Returns: the reply, and the socket of the lease.
    func perform(at path: String) throws(ArrayError) -> (Reply, Descriptor) {
        let client: VarlinkClient
        let reply: Reply
        do {
            client = try VarlinkClient(path: path)
            reply = try client.call(Self.method, self, returning: Reply.self, timeoutMilliseconds: Self.patience)
        } catch {
            throw ArrayError(error, path: path)
        }
        guard let socket = client.takePassed() else { throw .protocolViolation("no socket came with a lease") }
        return (reply, socket)
    }

    /// How long a board may take to let go of lanes, in milliseconds.
    private static let patience = 30_000
}

extension ArrayError {
    init(_ error: VarlinkClientError, path: String) {
        self =
            switch error {
            case .unreachable(let reason): .unreachable(path: path, reason: reason.reason)
            case .notPermitted, .remote(.permissionDenied): .notPermitted(path: path)
            case .disconnected: .disconnected
            case .timedOut(let milliseconds): .timedOut(seconds: milliseconds / 1_000)
            case .remote(let error): Self(error, path: path)
            case .badReply, .replyTooLong, .badParameters: .protocolViolation("its reply to Lease has another shape")
            }
    }

    private init(_ error: VarlinkError, path: String) {
        let details = (try? error.parameters.decode(Details.self)) ?? Details()
        let board = details.board ?? ""
        let name = error.name.split(separator: ".").last.map(String.init) ?? ""
        guard error.name == "\(LeaseCall.interface).\(name)" else {
            self = .protocolViolation("it replied with the error \(error.name)")
            return
        }
        self =
            switch name {
            case "NoSuchBoard": .noSuchBoard(asked: board, boards: details.boards ?? [])
            case "AmbiguousBoard": .ambiguousBoard(asked: board, boards: details.boards ?? [])
            case "NotPermitted": .notPermitted(path: path)
            case "Busy": .busy(board: board)
            case "NotLeasable": .notLeasable(board: board, cause: details.cause ?? "")
            case "NotEnoughLanes":
                .notEnoughLanes(board: board, wanted: details.wanted ?? 0, available: details.available ?? 0)
            case "LanesTaken": .lanesTaken(board: board, lanes: details.lanes ?? [])
            case "OutOfRange":
                .outOfRange(
                    quantity: details.quantity ?? "", value: details.value ?? 0, minimum: details.minimum ?? 0,
                    maximum: details.maximum ?? 0)
            case "BoardFailed": .boardFailed(board: board, cause: details.cause ?? "")
            default: .protocolViolation("it replied with the error \(name)")
            }
    }

    private struct Details: Decodable {
        var board: String?
        var boards: [String]?
        var cause: String?
        var wanted: Int?
        var available: Int?
        var lanes: [Int]?
        var quantity: String?
        var value: Double?
        var minimum: Double?
        var maximum: Double?
    }
}

// SPDX-License-Identifier: Apache-2.0

package import BoardProtocol
import EntropyTerms

/// What a recording says of the bits in it.
package struct RecordingContext: Sendable, Equatable {
    /// The version of the metrngd that made it.
    package let version: String
    /// When it was begun, in seconds since 1970 (UTC).
    package let time: Int64
    /// The board as it described itself; never one whose provenance is `replay`. What can be tuned
    /// about it is not recorded.
    package let board: BoardDescription
    /// The configured claim, in bits of min-entropy per bit.
    package let claimedEntropy: Double
    /// The starts of the board.
    package let starts: Starts

    /// The starts of a recording and the shots requested of each, rounded up to whole frames.
    package enum Starts: Sendable, Equatable {
        /// In one go.
        case once(shots: Int)
        /// The number of starts, at least two.
        case restarts(Int, shotsPerRestart: Int)

        package var count: Int {
            switch self {
            case .once: 1
            case .restarts(let count, _): count
            }
        }

        package var shots: Int {
            switch self {
            case .once(let shots), .restarts(_, let shots): shots
            }
        }

        /// Both are at least 1.
        package init(count: Int, shots: Int) {
            self = count == 1 ? .once(shots: shots) : .restarts(count, shotsPerRestart: shots)
        }
    }

    package init(
        version: String, time: Int64, board: BoardDescription, claimedEntropy: Double,
        starts: Starts
    ) {
        self.version = version
        self.time = time
        self.board = board
        self.claimedEntropy = claimedEntropy
        self.starts = starts
    }

    /// Why there can be no such recording; nil when there can.
    var defect: String? {
        if board.provenance == .replay { return "a replay cannot be recorded again" }
        if !(claimedEntropy > 0 && claimedEntropy <= 1) {
            return "the claimed entropy is outside 0 to 1"
        }
        if starts.shots < 1 { return "each start needs at least one shot" }
        if case .restarts(let count, _) = starts, count < 2 {
            return "a recording with restarts needs at least 2"
        }
        return implausible
    }

    /// A number that no board has, nil when there is none. Nobody has to reckon with those.
    private var implausible: String? {
        let point = board.operatingPoint
        let numbers = [
            ("amplitude", point.amplitudeMillivolts, -1e9...1e9),
            ("pulse width", point.pulseWidthPicoseconds, 0...1e15),
            ("bias field", point.biasFieldMicrotesla, -1e9...1e9),
            ("rate of shots", board.shotsPerSecond ?? 1, 1e-6...1e15),
        ]
        return numbers.first { !$0.2.contains($0.1) }.map { "no board has a \($0.0) of \($0.1)" }
    }
}

/// The context as it is written: one flat object with the members of both parts, and units in the names.
struct ContextText: Codable {
    private let members: ContextMembers
    private let operatingPoint: OperatingPoint

    init(_ context: RecordingContext) {
        members = ContextMembers(context)
        operatingPoint = context.board.operatingPoint
    }

    init(from decoder: any Decoder) throws {
        members = try ContextMembers(from: decoder)
        operatingPoint = try OperatingPoint(from: decoder)
    }

    func encode(to encoder: any Encoder) throws {
        try members.encode(to: encoder)
        try operatingPoint.encode(to: encoder)
    }

    /// The context that the text describes; nil when no recording can have it.
    var context: RecordingContext? { members.context(at: operatingPoint) }
}

/// The members of a context but for the operating point.
private struct ContextMembers: Codable {
    let version: String
    let time: Int64
    let kind, provenance, serial, path, firmware: String
    let lanes: Int
    let encoding: String
    let maximumPayload: Int
    @Nullable var shotsPerSecond: Double?
    let claimedEntropy: Double
    let restarts: Int
    let shotsPerRestart: Int

    init(_ context: RecordingContext) {
        let board = context.board
        version = context.version
        time = context.time
        (kind, provenance) = (board.kind, board.provenance.name)
        (serial, path, firmware) = (board.serial, board.path, board.firmware)
        lanes = board.lanes
        encoding = board.encoding.name
        maximumPayload = board.maximumPayload
        shotsPerSecond = board.shotsPerSecond
        claimedEntropy = context.claimedEntropy
        (restarts, shotsPerRestart) = (context.starts.count, context.starts.shots)
    }

    /// The context with these members; nil when no recording can have it.
    func context(at operatingPoint: OperatingPoint) -> RecordingContext? {
        guard let provenance = Provenance.allCases.first(where: { $0.name == provenance }),
            let encoding = LaneEncoding.allCases.first(where: { $0.name == encoding }),
            BoardDescription.laneLimits.contains(lanes), lanes.isMultiple(of: 64),
            (1...FrameHeader.payloadLimit).contains(maximumPayload), restarts >= 1
        else { return nil }
        let board = BoardDescription(
            kind: kind, provenance: provenance, serial: serial, path: path, firmware: firmware,
            lanes: lanes, encoding: encoding,
            operatingPoint: operatingPoint, maximumPayload: maximumPayload,
            shotsPerSecond: shotsPerSecond)
        let context = RecordingContext(
            version: version.printable, time: time, board: board, claimedEntropy: claimedEntropy,
            starts: RecordingContext.Starts(count: restarts, shots: shotsPerRestart))
        return context.defect == nil ? context : nil
    }
}

extension LaneEncoding {
    fileprivate static let allCases: [LaneEncoding] = [.toggles, .states]

    /// As it is written.
    fileprivate var name: String {
        switch self {
        case .toggles: "toggles"
        case .states: "states"
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

package import BoardProtocol
package import LinuxPlatform

/// An operation that a client asks of a board: its parameters, which are the members of the conforming type, and what
/// is told of it.
///
/// Parameters and replies travel as JSON, in the shape that `org.metrng.Control.varlink` describes. The type is known
/// to the pipeline, which does the operation, to the control plane, which offers it, and to `mectl`.
package protocol BoardOperation: Codable, Sendable {
    /// The reply to a client: what a reply before the last one says of the progress, and the last one of the result.
    associatedtype Reply: Codable & Sendable & Equatable

    /// The parameters that clients can name.
    associatedtype CodingKeys: CodingKey & CaseIterable

    /// The method of `org.metrng.Control`, without the interface in front.
    static var method: String { get }

    /// The reply to tell until there is progress; nil for an operation that tells nothing before its end.
    static var firstReply: Reply? { get }

    /// The file that goes with the call; nil for an operation that takes none.
    var file: Descriptor? { get }

    /// Takes the file that came with a call, and checks what can be checked without a board.
    mutating func prepare(file: Descriptor?) throws(BoardOperationError)

    /// Takes who asks.
    mutating func take(_ caller: PeerCredentials)

    /// The socket that goes with the last reply; nil for an operation that gives none.
    static func socket(of reply: Reply) -> Descriptor?

    /// Puts the socket that came with the last reply into it.
    static func attach(_ socket: Descriptor, to reply: inout Reply)
}

extension BoardOperation {
    package static var firstReply: Reply? { nil }
    package var file: Descriptor? { nil }
    package func prepare(file: Descriptor?) throws(BoardOperationError) {}
    package func take(_ caller: PeerCredentials) {}
    package static func socket(of reply: Reply) -> Descriptor? { nil }
    package static func attach(_ socket: Descriptor, to reply: inout Reply) {}

    package static var parameterNames: Set<String> {
        Set(CodingKeys.allCases.map { $0.stringValue })
    }
}

/// Why an operation was refused, or failed.
package enum BoardOperationError: Error, Sendable, Equatable {
    /// A parameter has an impossible value.
    case badParameter(String)
    /// No file came with the call.
    case noFile
    /// The board is not open, or failed while the operation was under way; says why.
    case board(String)
    case notTunable
    /// The board has no preset of that name; with those that it has.
    case noSuchPreset(String, known: [String])
    case notSimulated
    case outOfRange(TuningViolation)
    /// There is no such fault, or the board cannot have it; says why.
    case badFault(String)
    /// The frames could not be kept; says why.
    case recording(String)
    /// Another operation, or a lease, is in the way.
    case busy
    /// The lanes of the board cannot be leased; says why.
    case notLeasable(String)
    /// Fewer lanes can be leased than were asked for.
    case notEnoughLanes(wanted: Int, available: Int)
    /// These lanes are leased already.
    case lanesTaken([Int])
    /// The client has gone.
    case cancelled
}

/// The reply of an operation that has nothing to tell but that it is done.
package struct EmptyReply: Codable, Sendable, Equatable {
    package init() {}
}

// SPDX-License-Identifier: Apache-2.0

/// How a board on a cable can fail, as its host sees it. The list is the same for every port.
///
/// A board has one of these at a time, until it is given another or none.
package enum BoardFault: String, Sendable, CaseIterable {
    // Of the stream.
    /// The stream's endpoint halts, and halts again as often as it is cleared.
    case stall
    /// Transfers end after a few bytes.
    case shortTransfers
    /// The board sends more than it was asked for.
    case babble
    /// What the board sends on the bus cannot be understood.
    case protocolError
    /// The stream's endpoint answers NAK; requests are answered.
    case silence
    /// Every eighth frame has a bit changed.
    case corruptedFrames
    /// Every eighth frame is missing.
    case droppedFrames
    /// Every eighth frame is missing, and the next one says so.
    case overflow

    // Of the requests.
    /// No request is ever answered; what streams goes on.
    case mutedRequests
    /// Every request is refused.
    case refusal
    /// Requests are answered, and the stream is filled, with bytes that mean nothing.
    case nonsense
    /// The board speaks the next major version.
    case otherVersion

    // Of everything.
    /// Nothing is answered on any endpoint.
    case hang
}

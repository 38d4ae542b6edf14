// SPDX-License-Identifier: Apache-2.0

/// A way for a board on a cable to fail, as its host sees it. The list is the same for every port.
///
/// A board has one fault at a time, until it is given another or none.
package enum BoardFault: String, Sendable, CaseIterable {
    // The stream.
    /// The stream's endpoint halts, and halts again as often as it is cleared.
    case stall
    /// Transfers end after a few bytes.
    case shortTransfers
    /// The board sends more than it was asked for.
    case babble
    /// What the board sends violates the protocol of the bus.
    case protocolError
    /// The stream's endpoint answers NAK; requests are answered.
    case silence
    /// Every eighth frame has a bit changed.
    case corruptedFrames
    /// Every eighth frame is missing.
    case droppedFrames
    /// Every eighth frame is missing, and the next one says so.
    case overflow

    // The requests.
    /// No request is ever answered; what streams goes on.
    case mutedRequests
    /// Every request is refused.
    case refusal
    /// Requests are answered, and the stream is filled, with meaningless bytes.
    case nonsense
    /// The board speaks the next major version.
    case otherVersion

    // The array operations, also those of lanes aside.
    /// The states that a WRITE brings do not reach the devices.
    case lostWrites
    /// No PULSE reaches the devices.
    case lostPulses
    /// A PULSE reaches masked devices as well.
    case unmaskedPulses
    /// A READ gives the opposite of every state, and ones for masked devices.
    case invertedReads
    /// Lanes that are to be set aside go on streaming.
    case lostLanes
    /// Setting lanes aside ends the stream.
    case endedStream

    // Everything.
    /// Nothing is answered on any endpoint.
    case hang
}

// SPDX-License-Identifier: Apache-2.0

package import EntropyTerms

/// The life of one connection, without the connection: events in, actions out.
///
/// A session has at most one request in hand. What a client pipelines behind it stays in the kernel until the request
/// is answered, so that a client costs the server a fixed amount of memory. An event that the state does not allow is a
/// programming error.
package protocol ClientSession {
    /// What a session asks the server other than for bits.
    associatedtype Question: Equatable

    init()

    /// The most bytes that the session takes at once.
    static var inboxLimit: Int { get }

    /// How many more bytes the session takes now.
    var inboxRoom: Int { get }

    /// Whether no request is in hand.
    var isListening: Bool { get }

    /// What the server has to do next.
    var action: SessionAction<Question> { get }

    /// How many bytes of header and text are still to be sent.
    var unsentCount: Int { get }

    /// Lends the bytes of header and text that are still to be sent; either may be empty.
    func withUnsent<Result>(
        _ body: (_ header: UnsafeRawBufferPointer, _ text: UnsafeRawBufferPointer) -> Result
    ) -> Result

    /// Takes bytes that have arrived, at most `inboxRoom`.
    mutating func received(_ bytes: UnsafeRawBufferPointer)

    /// Counts bytes as sent: first those of header and text, then bits.
    mutating func sent(_ count: Int)

    /// Begins the answer of the request in hand, which was granted.
    mutating func begin(_ draw: Draw, provenance: Provenance, healthEpoch: UInt32)

    /// Answers the request in hand, for which there are no bits and will be none.
    mutating func refuse(_ refusal: Refusal)

    /// The peer has closed, or the connection broke. Legal in every state.
    mutating func disconnected()

    /// The server stops. Legal in every state.
    mutating func shutDown()
}

/// What the server has to do next for a session.
package enum SessionAction<Question: Equatable>: Equatable {
    /// Read from the connection, and call `received`.
    case receive
    /// Ask the dispenser for a draw, and call `begin` or `refuse` when that is decided.
    case seek(BitRequest)
    /// Call the session's own method for the question.
    case answer(Question)
    /// Send what is unsent, and then bits of the draw, and call `sent`.
    case deliver(Draw)
    /// Send what is unsent, and call `sent`.
    case reply
    /// Close the connection.
    case close
}

/// Why a request gets no bits.
package enum Refusal: Equatable {
    /// There are none, and the client does not wait, or they will never come.
    case unavailable
    /// The request wants genuine bits only, and no source has any.
    case denied
}

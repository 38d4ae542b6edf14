// SPDX-License-Identifier: Apache-2.0

package import EntropyTerms

/// What hands the bits of one client over to it: a socket, for example. For the dispenser's thread.
///
/// A sink asks the dispenser for a draw (`Dispenser.grant`) and then for its bits, part by part
/// (`Dispenser.dispense`, which calls `take`). When there are none, it can wait for them (`Dispenser.wait`).
package protocol Sink: AnyObject {
    /// The client that the bits are for.
    var client: DispenserClient { get }

    /// What the sink wants of the dispenser now; nil when it wants nothing. Must not be nil while the sink waits.
    var want: BitWant? { get }

    /// Takes bits from the beginning of `bits`, which may be empty, and never waits. Bits that are taken are the
    /// client's, delivered or lost with it: they are wiped after the call. A sink that has something of its own to
    /// send, such as a header, sends it before them, and also when there are none.
    func take(_ bits: UnsafeRawBufferPointer) -> SinkResult

    /// Tells a sink that waited that there may be bits for it. It waits no more.
    func wake()
}

/// What a sink did with the bits that it was offered.
package enum SinkResult: Equatable {
    /// Took all of them, and has room for more.
    case all
    /// Took this many of them, possibly none, and has no room for more now.
    case part(Int)
    /// Took none: the client is gone.
    case ended
}

/// A request of a client for bits.
package struct BitRequest: Equatable, Sendable {
    package let grade: Grade
    /// In bytes, at least 1.
    package let length: Int
    /// Whether the client waits for bits that are not there yet.
    package let waits: Bool
    /// Whether only bits of hardware or of the host will do.
    package let isGenuine: Bool

    package init(grade: Grade, length: Int, waits: Bool, isGenuine: Bool = false) {
        precondition(length > 0)
        self.isGenuine = isGenuine
        self.grade = grade
        self.length = length
        self.waits = waits
    }
}

/// A request that was granted: bytes of one source, of which some may have been taken already.
package struct Draw: Equatable, Sendable {
    /// The position of the source among those of the dispenser.
    package let source: Int
    package let grade: Grade
    /// Whether the client waits for bits that are not there yet.
    package let waits: Bool
    /// How many bytes have not been taken yet.
    package private(set) var remaining: Int

    package init(_ request: BitRequest, source: Int) {
        self.source = source
        grade = request.grade
        waits = request.waits
        remaining = request.length
    }

    /// Counts bytes as taken.
    mutating func take(_ count: Int) {
        precondition(0...remaining ~= count, "\(count) bytes taken of \(remaining)")
        remaining -= count
    }
}

/// What a sink wants of the dispenser.
package enum BitWant: Equatable {
    /// A draw for a request.
    case grant(BitRequest)
    /// The bits of a draw.
    case bits(Draw)
}

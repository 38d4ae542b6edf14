// SPDX-License-Identifier: Apache-2.0

import EntropyRing
import LaneHealth
import Synchronization

/// The only way of bits out of a pipeline: what is in the rings, and whether it may be taken.
///
/// For the pipeline's thread. What the gate is told contradicts nothing that it is: calls out of turn trap.
final class OutputGate {
    private let source: EntropySource
    /// The state for the open board; nil while there is none.
    private var disposal: WindowDisposal?

    init(_ source: EntropySource) { self.source = source }

    /// Takes over the way of an open board's bits into the rings.
    func attach(_ disposal: WindowDisposal) {
        precondition(self.disposal == nil && !source.isOpen, "one board after another, gate closed")
        self.disposal = disposal
    }

    /// Wipes the bits of the board that wait for the next window. The rings stay as they are.
    func detach() {
        disposal?.reset()
        disposal = nil
    }

    // MARK: Opening and closing

    var isOpen: Bool { source.isOpen }

    /// Lets bits out that are published from now on.
    func open() {
        precondition(disposal != nil && !source.isOpen, "a closed gate of an open board is opened")
        source.open()
    }

    /// Lets nothing out; discards what is in the rings and what waits for the next window.
    func close() {
        precondition(source.isOpen, "an open gate is closed")
        source.close()
        disposal?.reset()
    }

    /// Says that no bit will be published any more.
    func end() {
        precondition(!source.hasEnded, "bits end once")
        source.end()
    }

    // MARK: The rings

    /// The health epoch of the lanes behind the bits that are published next.
    func label(healthEpoch: UInt32) {
        source.healthEpoch.store(healthEpoch, ordering: .relaxed)
    }

    /// Whether the consumer has taken everything.
    var isEmpty: Bool { source.isEmpty }

    /// Announces that the pipeline's thread is about to sleep. It looks once more at the rings after this.
    func willWait() { source.producerWillWait() }

    /// Reduces the lanes that may be used to those that are left after folding.
    ///
    /// - Returns: the number of folded lanes.
    func foldMask(_ lanes: UnsafeMutablePointer<UInt64>) -> Int { attached.foldMask(lanes) }

    /// Whether some ring has room for a window with this many folded lanes in use.
    func hasRoom(lanes count: Int) -> Bool { attached.hasRoom(lanes: count) }

    /// Publishes the bits of a judged window.
    ///
    /// - Parameters:
    ///   - lanes: the folded lanes to use, a bit each.
    ///   - count: the number of these lanes.
    /// - Returns: bits of min-entropy credited; nil when there is no room, and nothing was done.
    func publish(_ window: HealthWindow, lanes: UnsafePointer<UInt64>, count: Int) -> Int? {
        precondition(source.isOpen, "bits are published while the gate is open")
        return attached.dispose(window, lanes: lanes, count: count)
    }

    private var attached: WindowDisposal {
        guard let disposal else { preconditionFailure("bits are published while a board is open") }
        return disposal
    }
}

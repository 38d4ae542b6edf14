// SPDX-License-Identifier: Apache-2.0

/// Something that takes turns on the server's thread, each for a bounded time.
protocol TurnTaker: AnyObject {
    /// Goes on for one turn. One that was closed since it asked for the turn does nothing.
    func takeTurn()
}

/// Those that can go on, in the order in which they asked for a turn. For the server's thread.
final class RunQueue {
    private var next: [any TurnTaker] = []
    /// Those whose turn it is. Kept, as the two arrays change places, so that a turn allocates nothing.
    private var current: [any TurnTaker] = []

    var isEmpty: Bool { next.isEmpty }

    /// Asks for a turn; at most once until it comes.
    func append(_ taker: any TurnTaker) { next.append(taker) }

    /// Gives one turn to each that has asked for one until now.
    func takeTurns() {
        precondition(current.isEmpty, "turns are not nested")
        swap(&next, &current)
        for index in current.indices { current[index].takeTurn() }
        current.removeAll(keepingCapacity: true)
    }
}

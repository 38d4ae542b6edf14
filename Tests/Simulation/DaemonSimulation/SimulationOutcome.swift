// SPDX-License-Identifier: Apache-2.0

/// What came of a simulation.
package struct SimulationOutcome: Sendable {
    package let seed: UInt64
    package let broken: BrokenPromise?
    package let tally: SimulationTally
}

/// How much happened in a simulation: one in which nothing happens shows nothing.
package struct SimulationTally: Sendable, Equatable {
    package var deliveredBytes = 0
    package var gateClosings = 0
    package var lostBoards = 0
    package var fullRings = 0
    package var shortenedCalls = 0
    package var deadClients = 0
    package var refusedClients = 0
    package var operations = 0

    package init() {}

    package static func += (sum: inout SimulationTally, other: SimulationTally) {
        sum.deliveredBytes += other.deliveredBytes
        sum.gateClosings += other.gateClosings
        sum.lostBoards += other.lostBoards
        sum.fullRings += other.fullRings
        sum.shortenedCalls += other.shortenedCalls
        sum.deadClients += other.deadClients
        sum.refusedClients += other.refusedClients
        sum.operations += other.operations
    }
}

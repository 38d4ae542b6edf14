// SPDX-License-Identifier: Apache-2.0

import DaemonSimulation
import TestSupport
import Testing

@Suite("The whole daemon simulated: bits once, gate, labels, accounts, wake-ups, leaks")
struct DaemonSimulationTests {
    /// Seeds are fixed, so that a failure comes again; `simulate-daemon` runs others.
    @Test(
        "every promise holds for 60 seeds, in which everything happens that can go wrong", .thorough)
    func promisesHold() throws {
        var tally = SimulationTally()
        for seed in UInt64(1)...60 {
            let outcome = try DaemonSimulation(seed: seed).run()
            #expect(outcome.broken == nil, "seed \(seed)")
            tally += outcome.tally
        }
        #expect(tally.deliveredBytes > 5_000_000)
        #expect(tally.gateClosings > 30)
        #expect(tally.lostBoards > 60)
        #expect(tally.fullRings > 60)
        #expect(tally.shortenedCalls > 600)
        #expect(tally.deadClients > 60)
        #expect(tally.refusedClients > 60)
        #expect(tally.operations > 60)
    }

    @Test(
        "each planted fault is found within 200 seeds", .thorough, arguments: PlantedFault.allCases)
    func plantedFaultsAreFound(_ fault: PlantedFault) throws {
        let found = try (UInt64(1)...200).lazy.compactMap { seed in
            try DaemonSimulation(seed: seed, planted: fault).run().broken
        }.first
        #expect(found?.promise == fault.promise)
    }

    @Test("a seed gives the same simulation again, which holds every promise", arguments: [3, 17])
    func seedsReproduce(_ seed: UInt64) throws {
        let first = try DaemonSimulation(seed: seed).run()
        let second = try DaemonSimulation(seed: seed).run()
        #expect(first.broken == nil && second.broken == nil)
        #expect(first.tally == second.tally)
        let broken = try DaemonSimulation(seed: seed, planted: .deliversTwice).run().broken
        let again = try DaemonSimulation(seed: seed, planted: .deliversTwice).run().broken
        #expect(broken == again)
    }
}

// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DaemonSimulation

/// Runs simulations of the daemon, and names the seed of each that breaks a promise.
@main
struct Simulate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate-daemon",
        abstract: "Simulate the daemon with many seeds, and check what it promises.",
        discussion: "Exit status: 0 when all promises held, 1 when one was broken.")

    @Option(help: ArgumentHelp("The number of seeds.", valueName: "count"))
    var seeds: UInt64 = 100

    @Option(help: ArgumentHelp("The first seed.", valueName: "seed"))
    var first: UInt64 = 1

    @Option(
        help: "Plant a fault: \(PlantedFault.allCases.map(\.rawValue).joined(separator: ", ")).")
    var plant: PlantedFault?

    func run() throws {
        var tally = SimulationTally()
        var broken = 0
        for seed in first..<first + seeds {
            let outcome = try DaemonSimulation(seed: seed, planted: plant).run()
            tally += outcome.tally
            if let promise = outcome.broken {
                broken += 1
                print("seed \(seed), \(promise)")
            }
        }
        print(tally.text)
        print("\(seeds - UInt64(broken)) passed, \(broken) failed")
        if broken > 0 { throw ExitCode.failure }
    }
}

extension PlantedFault: ExpressibleByArgument {}

extension SimulationTally {
    fileprivate var text: String {
        """
        \(deliveredBytes) bytes received, \(gateClosings) gates closed, \(lostBoards) boards lost, \
        \(fullRings) waits for space, \(shortenedCalls) socket calls cut short, \(deadClients) clients \
        gone, \(refusedClients) refused, \(operations) operations
        """
    }
}

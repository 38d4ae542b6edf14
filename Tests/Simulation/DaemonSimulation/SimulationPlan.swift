// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import EntropyTerms
import TestSupport

/// What a simulation is made of, drawn from its seed.
struct SimulationPlan {
    struct BoardPlan {
        let provenance: Provenance
        let lanes: Int
        let shotsPerFrame: Int
        let isTunable: Bool
        /// One read in so many looks for trouble.
        let troubleInterval: Int
        let seed: UInt64
    }

    let boards: [BoardPlan]
    let clients: [SimulationClient.Temper]
    /// Of each ring, in bytes: room for two windows or a few.
    let ringBytes: Int
    let maximumClients: Int
    let startUpWindows: Int
    let minimumGoodLanesPercent: Int
    /// One socket call in so many is cut short.
    let cutInterval: Int
    let steps: Int

    init(random: inout SeededGenerator) {
        let lanes = [64, 64, 128].randomElement(using: &random) ?? 64
        let provenances: [Provenance] = [.hardware, .simulated, .host].shuffled(using: &random)
        boards = provenances.prefix(Int.random(in: 1...2, using: &random)).map { provenance in
            BoardPlan(
                provenance: provenance, lanes: lanes,
                shotsPerFrame: [64, 256, 1000].randomElement(using: &random) ?? 256,
                isTunable: Bool.random(using: &random),
                troubleInterval: [20, 60, 1000].randomElement(using: &random) ?? 60,
                seed: random.next())
        }
        clients = (0..<Int.random(in: 1...10, using: &random)).map { _ in
            SimulationClient.Temper.allCases.randomElement(using: &random) ?? .eager
        }
        ringBytes = (1 << Int.random(in: 1...3, using: &random)) * 1024 * lanes / 8
        maximumClients = Int.random(in: 1...10, using: &random)
        startUpWindows = Int.random(in: 1...3, using: &random)
        minimumGoodLanesPercent = [1, 50, 90].randomElement(using: &random) ?? 50
        cutInterval = [2, 10, 1000].randomElement(using: &random) ?? 10
        steps = 3000
    }
}

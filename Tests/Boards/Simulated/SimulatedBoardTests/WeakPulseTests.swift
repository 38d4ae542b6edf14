// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import DevicePhysics
import SimulatedBoard
import TestSupport
import Testing

@Suite("Weak pulses of the simulated board: write, pulse and read against the chains, down to 0.01 %")
struct WeakPulseTests {
    /// The number of devices in state 1 after so many pulses, over all rounds, from all 0 or all 1.
    private static func count(
        _ board: SimulatedArrayBoard, lanes: Int, from state: UInt64, pulses: Int, rounds: Int
    ) throws -> Int {
        let words = lanes / 64
        return try (0..<rounds).reduce(0) { sum, _ in
            try board.writeStates(Array(repeating: state, count: words))
            try board.pulse(count: pulses)
            return try board.readStates().reduce(sum) { $0 + $1.nonzeroBitCount }
        }
    }

    /// The probability of being in state 1 after so many pulses.
    private static func share(_ chain: SwitchingChain, from state: UInt64, pulses: Int) -> Double {
        let start = state == 0 ? 0.0 : 1
        return chain.stationaryProbability
            + (start - chain.stationaryProbability) * chain.autocorrelation(lag: pulses)
    }

    @Test("devices of 0.01 to 5 % decay as their chain does", arguments: [0.0001, 0.001, 0.01, 0.05])
    func decay(probability: Double) throws {
        let chain = SwitchingChain(p01: 1.1 * probability, p10: 0.9 * probability)
        let board = try SimulatedArrayBoard(
            name: "a", devices: .fixed(Array(repeating: chain, count: 1024)),
            settings: SimulatedArraySettings(.quarterPeriod), shotsPerFrame: 64, seed: .fixed(140))
        let (pulses, rounds) = (Int((0.3 / probability).rounded()), 100)
        for state in [UInt64.min, .max] {
            let ones = try Self.count(board, lanes: 1024, from: state, pulses: pulses, rounds: rounds)
            let z = zScore(
                successes: ones, trials: 1024 * rounds,
                probability: Self.share(chain, from: state, pulses: pulses))
            #expect(abs(z) < zLimit, "from \(state)")
            // The control: probabilities that are 10 % off are seen.
            let other = SwitchingChain(p01: 1.1 * chain.p01, p10: 1.1 * chain.p10)
            let difference = zScore(
                successes: ones, trials: 1024 * rounds,
                probability: Self.share(other, from: state, pulses: pulses))
            #expect(abs(difference) > zLimit, "from \(state)")
        }
    }

    @Test(
        "an array with spread decays at the weak point as its devices do, trimmed or not", arguments: [Int16(0), 200])
    func array(trim: Int16) throws {
        var settings = SimulatedArraySettings(.quarterPeriod)
        settings.operatingPoint = settings.preset.weakPoint
        let board = try SimulatedArrayBoard(
            name: "a", lanes: 1024, settings: settings, shotsPerFrame: 64, seed: .fixed(141))
        try board.setTrims(Array(repeating: trim, count: 1024))
        let chains = board.chains
        #expect(board.presets["weak"] == settings.operatingPoint)
        let rounds = 200
        for state in [UInt64.min, .max] {
            let ones = try Self.count(board, lanes: 1024, from: state, pulses: 50, rounds: rounds)
            // Devices differ, so that the variance is below that of equal ones.
            let dead = state == 0 ? 0.0 : 1
            let shares = chains.map { $0 == .dead ? dead : Self.share($0, from: state, pulses: 50) }
            let mean = shares.reduce(0, +) * Double(rounds)
            let deviation = (shares.reduce(0) { $0 + $1 * (1 - $1) } * Double(rounds)).squareRoot()
            #expect(abs(Double(ones) - mean) < zLimit * deviation, "from \(state)")
            #expect(abs(Double(ones) - mean * (state == 0 ? 1.04 : 0.96)) > zLimit * deviation, "the control")
        }
    }

    @Test("drift and memory make rare switching more or less frequent by a part of it, never certain or impossible")
    func disturbances() {
        let chain = SwitchingChain(p01: 0.001, p10: 0.5)
        for difference in [-0.1, -0.01, 0.01, 0.1] {
            let moved = chain.disturbed(by: difference)
            #expect(abs(moved.p10 - 0.5 - difference) < 0.006 * abs(difference) / 0.1 + 1e-9)
            #expect(moved.p01 > 0.0006 && moved.p01 < 0.0015)
            #expect(abs(moved.disturbed(by: -difference).p01 - chain.p01) < 1e-15)
        }
        #expect(SwitchingChain.dead.disturbed(by: 0.3) == .dead)
    }
}

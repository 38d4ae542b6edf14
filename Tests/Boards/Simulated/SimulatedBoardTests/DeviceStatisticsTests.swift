// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import DevicePhysics
import SimulatedBoard
import TestMaterials
import TestSupport
import Testing

private func record(_ chains: [SwitchingChain], shots: Int, seed: UInt64) throws -> Recording {
    let board = try SimulatedArrayBoard(
        name: "test", devices: .fixed(chains), settings: SimulatedArraySettings(.quarterPeriod),
        shotsPerFrame: 250, seed: .fixed(seed))
    return try Recording(of: board, frames: shots / 250)
}

/// z of the mean of values, each of which comes from another lane.
private func zScore(of values: [Double], mean: Double) -> Double {
    let n = Double(values.count)
    let average = values.reduce(0, +) / n
    let variance = values.reduce(0) { $0 + ($1 - average) * ($1 - average) } / (n - 1)
    return (average - mean) / (variance / n).squareRoot()
}

@Suite(
    "Devices of the simulated board: rates of each lane, dead devices, autocorrelation of states and toggles, independence"
)
struct DeviceStatisticsTests {
    @Test("each lane is its own device: it toggles as often as its chain says")
    func rates() throws {
        // 576 lanes are a strip of 512 and a rest.
        let chains = (0..<576).map { lane in
            let p = 0.02 + 0.96 * Double(lane * 211 % 576) / 576
            return SwitchingChain(p01: p, p10: p)
        }
        let recording = try record(chains, shots: 10_000, seed: 50)
        for (lane, chain) in chains.enumerated() {
            let toggles = recording.toggles(lane: lane).count { $0 }
            // Probabilities have steps of 1 / 65,536: no matter at this length.
            let z = zScore(
                successes: toggles, trials: recording.shots, probability: chain.p01)
            #expect(abs(z) < zLimit, "lane \(lane)")
        }
    }

    @Test("a device leaves each of its states with that state's probability")
    func statesMatter() throws {
        let chains = (0..<128).map { lane in
            let low = 0.05 + 0.3 * Double(lane) / 128
            return lane % 2 == 0
                ? SwitchingChain(p01: low, p10: low + 0.4)
                : SwitchingChain(p01: low + 0.4, p10: low)
        }
        let recording = try record(chains, shots: 10_000, seed: 51)
        for (lane, chain) in chains.enumerated() {
            let states = recording.states(lane: lane)
            // Which of its two states it began in, toggles do not tell: one of the two fits.
            let fits = [false, true].contains { flipped in
                Self.fits(states.map { $0 != flipped }, chain)
            }
            #expect(fits, "lane \(lane)")
        }
    }

    private static func fits(_ states: [Bool], _ chain: SwitchingChain) -> Bool {
        [(false, chain.p01), (true, chain.p10)].allSatisfy { state, probability in
            let leaving = zip(states, states.dropFirst()).filter { $0.0 == state }
            let z = zScore(
                successes: leaving.count { $0.1 != state }, trials: leaving.count,
                probability: probability)
            return abs(z) < zLimit
        }
    }

    @Test("dead devices never toggle, their neighbours do")
    func dead() throws {
        let deadLanes: Set = [0, 63, 64, 200, 511, 512, 575]
        let chains = (0..<576).map {
            deadLanes.contains($0) ? SwitchingChain.dead : SwitchingChain(p01: 0.5, p10: 0.5)
        }
        let recording = try record(chains, shots: 5000, seed: 52)
        for lane in 0..<576 {
            #expect(recording.toggles(lane: lane).contains(true) == !deadLanes.contains(lane))
        }
    }

    private static let chains = [
        SwitchingChain(p01: 0.5, p10: 0.5), SwitchingChain(p01: 0.1, p10: 0.1),
        SwitchingChain(p01: 0.45, p10: 0.45), SwitchingChain(p01: 0.85, p10: 0.85),
        SwitchingChain(p01: 0.2, p10: 0.6), SwitchingChain(p01: 0.7, p10: 0.3),
    ]

    /// Autocorrelation of bits of known mean.
    private static func correlation(_ bits: [Bool], mean: Double, lag: Int) -> Double {
        let sum = zip(bits, bits.dropFirst(lag)).reduce(0.0) { sum, pair in
            sum + ((pair.0 ? 1 : 0) - mean) * ((pair.1 ? 1 : 0) - mean)
        }
        return sum / Double(bits.count - lag) / (mean * (1 - mean))
    }

    @Test("states are correlated as (1 − p01 − p10)^k at lag k", .thorough, arguments: chains)
    func stateCorrelation(chain: SwitchingChain) throws {
        let recording = try record(Array(repeating: chain, count: 512), shots: 3000, seed: 53)
        let mean = chain.stationaryProbability
        let lanes = (0..<512).map { lane in
            // The first shots still remember the first state, which is not stationary.
            let states = Array(recording.states(lane: lane).dropFirst(200))
            let ones = Double(states.count { $0 }) / Double(states.count)
            let isFlipped = abs(ones - mean) > abs(1 - ones - mean)
            return isFlipped ? states.map { !$0 } : states
        }
        for lag in 1...5 {
            let values = lanes.map { Self.correlation($0, mean: mean, lag: lag) }
            let z = zScore(of: values, mean: chain.autocorrelation(lag: lag))
            #expect(abs(z) < zLimit, "lag \(lag)")
        }
    }

    @Test(
        "toggles come as often as the chain says, and independently when p01 = p10", .thorough,
        arguments: chains)
    func toggleStatistics(chain: SwitchingChain) throws {
        let recording = try record(Array(repeating: chain, count: 512), shots: 3000, seed: 54)
        let lanes = (0..<512).map { Array(recording.toggles(lane: $0).dropFirst(200)) }
        let mean = chain.switchingProbability
        let rates = lanes.map { Double($0.count { $0 }) / Double($0.count) }
        #expect(abs(zScore(of: rates, mean: mean)) < zLimit)
        guard chain.p01 == chain.p10 else { return }
        for lag in 1...5 {
            let values = lanes.map { Self.correlation($0, mean: mean, lag: lag) }
            #expect(abs(zScore(of: values, mean: 0)) < zLimit, "lag \(lag)")
        }
    }

    @Test("devices toggle independently of one another, also in different strips")
    func independence() throws {
        let chain = SwitchingChain(p01: 0.5, p10: 0.5)
        let recording = try record(Array(repeating: chain, count: 1088), shots: 10_000, seed: 55)
        let words = recording.words
        let counts = stride(from: 0, to: recording.rows.count, by: words).map { row in
            Double(recording.rows[row..<row + words].reduce(0) { $0 + $1.nonzeroBitCount })
        }
        // The number that toggle in a shot: its variance is n/4 only if no two are correlated.
        let variance = counts.reduce(0) { $0 + ($1 - 544) * ($1 - 544) } / Double(counts.count)
        #expect(abs(variance / 272 - 1) / (2 / Double(counts.count)).squareRoot() < zLimit)
    }
}

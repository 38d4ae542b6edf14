// SPDX-License-Identifier: Apache-2.0

import DevicePhysics
import Glibc
import Testing

@Suite(
    "Switching chains: formulas against hand calculations")
struct SwitchingChainTests {
    /// A chain with what follows from it, worked out by hand.
    struct Example: Sendable {
        let chain: SwitchingChain
        let stationary: Double
        let switching: Double
        let rate: Double
        let correlations: [Double]
    }

    private static let examples = [
        Example(
            chain: SwitchingChain(p01: 0.5, p10: 0.5), stationary: 0.5, switching: 0.5, rate: 1,
            correlations: [1, 0, 0]),
        // 0.2 / 0.8; 2 · 0.12 / 0.8; −log2 0.8, staying in 0.
        Example(
            chain: SwitchingChain(p01: 0.2, p10: 0.6), stationary: 0.25, switching: 0.3,
            rate: 0.321_928_094_887, correlations: [1, 0.2, 0.04]),
        // −log2 0.7, staying in 1.
        Example(
            chain: SwitchingChain(p01: 0.5, p10: 0.3), stationary: 0.625, switching: 0.375,
            rate: 0.514_573_172_830, correlations: [1, 0.2, 0.04]),
        // −log2 √0.72, going to and fro.
        Example(
            chain: SwitchingChain(p01: 0.9, p10: 0.8), stationary: 0.529_411_764_706,
            switching: 0.847_058_823_529, rate: 0.236_965_594_166, correlations: [1, -0.7, 0.49]),
        // A stray field of 2 mT at the quarter-period point.
        Example(
            chain: SwitchingChain(p01: 0.531, p10: 0.433), stationary: 0.550_829_875_519,
            switching: 0.477_018_672_199, rate: 0.818_579_359_720,
            correlations: [1, 0.036, 0.001_296]),
        Example(
            chain: SwitchingChain(p01: 1, p10: 1), stationary: 0.5, switching: 1, rate: 0,
            correlations: [1, -1, 1]),
        Example(
            chain: SwitchingChain(p01: 0, p10: 0.3), stationary: 0, switching: 0, rate: 0,
            correlations: [1, 0.7, 0.49]),
        Example(
            chain: .dead, stationary: 0.5, switching: 0, rate: 0, correlations: [1, 1, 1]),
    ]

    @Test("the formulas give what a hand calculation gives", arguments: examples)
    func formulas(example: Example) {
        let chain = example.chain
        #expect(abs(chain.stationaryProbability - example.stationary) < 1e-11)
        #expect(abs(chain.switchingProbability - example.switching) < 1e-11)
        #expect(abs(chain.minEntropyRate - example.rate) < 1e-11)
        for (lag, correlation) in example.correlations.enumerated() {
            #expect(abs(chain.autocorrelation(lag: lag) - correlation) < 1e-11)
        }
    }
}

/// The most likely sequences of a chain, found by looking at all of them.
private struct AllSequences {
    let chain: SwitchingChain
    /// The largest probability of any sequence so far, by its length.
    private(set) var largest: [Double]

    /// Sequences of states; the first state is drawn from the stationary distribution.
    init(statesOf chain: SwitchingChain, length: Int) {
        self.chain = chain
        largest = Array(repeating: 0, count: length + 1)
        let ones = chain.stationaryProbability
        extend(state: 0, probability: 1 - ones, length: 1)
        extend(state: 1, probability: ones, length: 1)
    }

    private mutating func extend(state: Int, probability: Double, length: Int) {
        largest[length] = max(largest[length], probability)
        guard length + 1 < largest.count else { return }
        let switching = state == 0 ? chain.p01 : chain.p10
        extend(state: state, probability: probability * (1 - switching), length: length + 1)
        extend(state: 1 - state, probability: probability * switching, length: length + 1)
    }

    /// Sequences of toggles, which a watcher who does not know the first state sees: each is the
    /// sum of two sequences of states, that from 0 and that from 1.
    init(togglesOf chain: SwitchingChain, length: Int) {
        self.chain = chain
        largest = Array(repeating: 0, count: length + 1)
        let ones = chain.stationaryProbability
        extend(toggled: false, fromZero: 1 - ones, fromOne: ones, length: 0)
    }

    /// - Parameter toggled: whether the path that began in 0 is in 1 now.
    private mutating func extend(
        toggled: Bool, fromZero: Double, fromOne: Double, length: Int
    ) {
        largest[length] = max(largest[length], fromZero + fromOne)
        guard length + 1 < largest.count else { return }
        let (p, q) = toggled ? (chain.p10, chain.p01) : (chain.p01, chain.p10)
        extend(
            toggled: toggled, fromZero: fromZero * (1 - p), fromOne: fromOne * (1 - q),
            length: length + 1)
        extend(
            toggled: !toggled, fromZero: fromZero * p, fromOne: fromOne * q, length: length + 1)
    }
}

@Suite(
    "Min-entropy rate: against all sequences of 20 shots")
struct MinEntropyRateTests {
    private static let chains = [
        SwitchingChain(p01: 0.5, p10: 0.5), SwitchingChain(p01: 0.531, p10: 0.433),
        SwitchingChain(p01: 0.2, p10: 0.6), SwitchingChain(p01: 0.6, p10: 0.2),
        SwitchingChain(p01: 0.9, p10: 0.8), SwitchingChain(p01: 0.7, p10: 0.95),
        SwitchingChain(p01: 0.05, p10: 0.05), SwitchingChain(p01: 0.681, p10: 0.464),
    ]

    /// How many bits a sequence's probability may differ from what the rate gives for it, however
    /// long it is: the first state, and one transition that closes no circle.
    private static func constant(_ chain: SwitchingChain) -> Double {
        let rarer = min(chain.stationaryProbability, 1 - chain.stationaryProbability)
        return chain.minEntropyRate - log2(rarer) + abs(log2(chain.p01 / chain.p10)) / 2
    }

    @Test("it is that of the most likely of all sequences of 20 states", arguments: chains)
    func states(chain: SwitchingChain) {
        let largest = AllSequences(statesOf: chain, length: 20).largest
        let rate = chain.minEntropyRate
        #expect(abs(-log2(largest[20]) / 20 - rate) <= Self.constant(chain) / 20)
        // Without the ends: what the last ten states of twenty add.
        #expect(abs(log2(largest[10] / largest[20]) / 10 - rate) < 1e-9)
    }

    @Test("and that of the most likely of all sequences of 20 toggles", arguments: chains)
    func toggles(chain: SwitchingChain) {
        let largest = AllSequences(togglesOf: chain, length: 20).largest
        let rate = chain.minEntropyRate
        #expect(abs(-log2(largest[20]) / 20 - rate) <= (Self.constant(chain) + 1) / 20)
        #expect(abs(log2(largest[10] / largest[20]) / 10 - rate) < 0.02)
    }
}

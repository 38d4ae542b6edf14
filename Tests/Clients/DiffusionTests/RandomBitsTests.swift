// SPDX-License-Identifier: Apache-2.0

import Diffusion
import DiffusionTestSupport
import TestSupport
import Testing

@Suite("Random bits: coins, binomial numbers and permutations, and how many bits they take")
struct RandomBitsTests {
    @Test("A coin has its probability and takes two bits", arguments: [0.001, 0.3, 0.5, 0.7, 0.999])
    func coins(probability: Double) throws {
        let bits = RandomBits(SeededSource(1))
        let trials = 100_000
        var successes = 0
        for _ in 0..<trials where try bits.coin(probability) { successes += 1 }
        #expect(abs(zScore(successes: successes, trials: trials, probability: probability)) < zLimit)
        #expect(abs(zScore(successes: successes, trials: trials, probability: 0.9 * probability + 0.02)) > zLimit)
        #expect((1.9...2.1).contains(Double(bits.usedBits) / Double(trials)))
    }

    @Test("A coin that cannot fall otherwise takes no bits")
    func certain() throws {
        let bits = RandomBits(EmptySource())
        #expect(try bits.coin(1) && !bits.coin(0))
        #expect(try bits.binomial(trials: 16, probability: 0) == 0)
        #expect(try bits.binomial(trials: 16, probability: 1) == 16)
        #expect(try bits.binomial(trials: 0, probability: 0.5) == 0)
        #expect(try bits.number(below: 1) == 0)
        #expect(throws: DiffusionError.self) { try bits.coin(0.5) }
    }

    @Test(
        "A binomial number has its distribution and takes few bits",
        arguments: [
            (16, 0.5), (16, 0.013), (16, 0.92), (1, 0.3), (64, 0.25), (256, 0.99), (512, 0.5), (700, 0.4),
        ])
    func binomials(trials: Int, probability: Double) throws {
        let bits = RandomBits(SeededSource(2))
        let count = 50_000
        var counts = [Int](repeating: 0, count: trials + 1)
        for _ in 0..<count { counts[try bits.binomial(trials: trials, probability: probability)] += 1 }
        let law = binomialLaw(trials: trials, probability: probability)
        #expect(abs(chiSquareZ(counts, law: law)) < zLimit)
        let other = binomialLaw(trials: trials, probability: probability * 0.9)
        #expect(chiSquareZ(counts, law: other) > zLimit)
        let limit = trials > 512 ? 20.0 : trials > 64 ? 11 : 9
        #expect(Double(bits.usedBits) / Double(count) < limit)
    }

    @Test("Every permutation is as likely")
    func shuffles() throws {
        let bits = RandomBits(SeededSource(3))
        var counts = [Int](repeating: 0, count: 24)
        for _ in 0..<48_000 {
            var elements = [0, 1, 2, 3]
            try bits.shuffle(&elements)
            // The number of the permutation: digits of falling base.
            var (number, rest) = (0, [0, 1, 2, 3])
            for element in elements {
                let place = rest.firstIndex(of: element) ?? 0
                number = number * rest.count + place
                rest.remove(at: place)
            }
            counts[number] += 1
        }
        #expect(abs(chiSquareZ(counts, law: Array(repeating: 1.0 / 24, count: 24))) < zLimit)
    }

    @Test("Numbers below a limit are uniform", arguments: [2, 3, 17, 100])
    func numbers(limit: Int) throws {
        let bits = RandomBits(SeededSource(4))
        var counts = [Int](repeating: 0, count: limit)
        for _ in 0..<50_000 { counts[try bits.number(below: limit)] += 1 }
        #expect(abs(chiSquareZ(counts, law: Array(repeating: 1 / Double(limit), count: limit))) < zLimit)
    }
}

// SPDX-License-Identifier: Apache-2.0

import CKernelSupport
import Glibc
import TestMaterials
import TestSupport
import Testing

/// The highest threshold.
private let highest: UInt32 = 0xff_ffff

@Suite(
    "Lane sampling: every path against a scalar sampler, states against toggles")
struct LaneSamplingTests {
    /// Devices with any thresholds, among them the extreme ones.
    private static func sampler(words: Int, seed: UInt64, flips: Int? = nil) -> ScalarSampler {
        var random = SeededGenerator(seed)
        let extremes: [UInt32] = [0, 1, 1 << 23, highest]
        let devices = (0..<(words + 7) / 8 * 512).map { index in
            ScalarSampler.Device(
                state: Bool.random(using: &random),
                p01: index % 16 < 4 ? extremes[index % 4] : .random(in: 0...highest, using: &random),
                p10: index % 64 < 16
                    ? extremes[index / 4 % 4] : .random(in: 0...highest, using: &random),
                hidden: flips != nil && Bool.random(using: &random),
                hiddenP01: .random(in: 0...highest, using: &random),
                hiddenP10: .random(in: 0...highest, using: &random))
        }
        return ScalarSampler(
            columns: (0..<8).map { _ in Xoshiro(s: random.words(4)) }, devices: devices,
            flips: flips)
    }

    @Test(
        "every path gives the bits of the scalar reference, call after call", .thorough,
        arguments: [1, 7, 8, 9, 16, 20, 64], [nil, 0, 1, 5, 8, 15])
    func equalsReference(words: Int, flips: Int?) {
        for toggles in [false, true] { compare(words: words, flips: flips, toggles: toggles) }
    }

    private func compare(words: Int, flips: Int?, toggles: Bool) {
        let start = Self.sampler(words: words, seed: UInt64(words), flips: flips)
        var scalar = start
        let shots = [13, 1, 6]
        let expected = shots.map { scalar.sample(words: words, shots: $0, toggles: toggles) }
        for path in KernelPath.strips {
            var kernel = KernelSampler(start)
            let rows = shots.map {
                kernel.sample(path.features, words: words, shots: $0, toggles: toggles)
            }
            #expect(rows == expected, "\(path)")
            let columns = (0..<32).map { scalar.columns[$0 % 8].s[$0 / 8] }
            #expect(kernel.generatorState == columns, "\(path)")
        }
    }

    @Test("a device is in its new state exactly where it toggled", arguments: [3, 8, 20])
    func statesAreSumsOfToggles(words: Int) {
        let start = Self.sampler(words: words, seed: 99)
        var switching = KernelSampler(start)
        var standing = switching
        var state = Array(switching.deviceStates[..<words])
        for _ in 0..<50 {
            let here = ck_features_here()
            let toggles = switching.sample(here, words: words, shots: 1, toggles: true)
            let states = standing.sample(here, words: words, shots: 1, toggles: false)
            for word in 0..<words { state[word] ^= toggles[word] }
            #expect(states == state)
        }
        #expect(switching.deviceStates == standing.deviceStates)
    }

    @Test("a device with threshold 0 never switches, one with the highest always, one with 2^24 / 10,000 as rarely")
    func extremeThresholds() {
        var start = Self.sampler(words: 8, seed: 5)
        for lane in 0..<512 {
            let threshold: UInt32 = [0, highest, 1678, 1678][lane % 4]
            start.devices[lane] = .init(state: lane % 3 == 0, p01: threshold, p10: threshold)
        }
        var kernel = KernelSampler(start)
        let shots = 400_000
        let rows = kernel.sample(ck_features_here(), words: 8, shots: shots, toggles: true)
        let first: UInt64 = 0x1111_1111_1111_1111
        #expect(rows.allSatisfy { $0 & first == 0 })
        // One of 2^24 rests, in 51 million shots.
        let rests = rows.reduce(0) { $0 + (~$1 & first << 1).nonzeroBitCount }
        #expect(rests < 15)
        let rare = rows.reduce(0) { $0 + ($1 & (first << 2 | first << 3)).nonzeroBitCount }
        func z(_ probability: Double) -> Double {
            abs(zScore(successes: rare, trials: 256 * shots, probability: probability))
        }
        #expect(z(1678 / 0x1p24) < zLimit)
        #expect(z(7 / 0x1p16) > zLimit, "the control: the nearest probability with 16 bits is 7 % off")
    }
}

@Suite(
    "Statistics of lane sampling: each device's two probabilities, independence, how a memory's correlation decays"
)
struct LaneSamplingStatisticsTests {
    /// For one device, in how many shots it was in state 0 or 1 before, and how often it left it.
    private struct Tally {
        var shots = [0, 0]
        var switches = [0, 0]
    }

    @Test("every device switches with its own two probabilities")
    func probabilities() {
        var random = SeededGenerator(2)
        let devices = (0..<512).map { _ in
            ScalarSampler.Device(
                state: Bool.random(using: &random), p01: .random(in: 500_000...16_000_000, using: &random),
                p10: .random(in: 500_000...16_000_000, using: &random))
        }
        let tallies = Self.observe(devices, shots: 20_000, random: &random)
        for (device, tally) in zip(devices, tallies) {
            for (side, threshold) in [device.p01, device.p10].enumerated() {
                let z = zScore(
                    successes: tally.switches[side], trials: tally.shots[side],
                    probability: Double(threshold) / 0x1p24)
                #expect(abs(z) < zLimit)
            }
        }
    }

    private static func observe(
        _ devices: [ScalarSampler.Device], shots: Int, random: inout SeededGenerator
    ) -> [Tally] {
        let columns = (0..<8).map { _ in Xoshiro(s: random.words(4)) }
        var kernel = KernelSampler(ScalarSampler(columns: columns, devices: devices))
        let rows = kernel.sample(ck_features_here(), words: 8, shots: shots, toggles: false)
        return devices.indices.map { lane in
            var tally = Tally()
            var state = devices[lane].state ? 1 : 0
            for row in stride(from: lane / 64, to: rows.count, by: 8) {
                let next = Int(truncatingIfNeeded: rows[row] >> (lane % 64) & 1)
                tally.shots[state] += 1
                tally.switches[state] += state ^ next
                state = next
            }
            return tally
        }
    }

    @Test("devices of one array switch independently of one another, and of the shot before")
    func independence() {
        var random = SeededGenerator(3)
        let devices = (0..<512).map { _ in
            ScalarSampler.Device(state: Bool.random(using: &random), p01: 1 << 23, p10: 1 << 23)
        }
        let columns = (0..<8).map { _ in Xoshiro(s: random.words(4)) }
        var kernel = KernelSampler(ScalarSampler(columns: columns, devices: devices))
        let shots = 20_000
        let rows = kernel.sample(ck_features_here(), words: 8, shots: shots, toggles: true)
        // The number that switch in a shot: its variance is n/4 only if no two are correlated.
        let counts = stride(from: 0, to: rows.count, by: 8).map { row in
            Double(rows[row..<row + 8].reduce(0) { $0 + $1.nonzeroBitCount })
        }
        let variance = counts.reduce(0) { $0 + ($1 - 256) * ($1 - 256) } / Double(shots)
        #expect(abs(variance / 128 - 1) / (2 / Double(shots)).squareRoot() < zLimit)
        let lagged = zip(counts, counts.dropFirst()).reduce(0) { $0 + ($1.0 - 256) * ($1.1 - 256) }
        #expect(abs(lagged / 128) / Double(shots - 1).squareRoot() < zLimit)
    }

    @Test(
        "a memory makes shots correlated as its hidden bit is, (1 − flips / 8)^k at lag k",
        arguments: [1, 2, 3, 5, 8, 12])
    func memory(flips: Int) {
        var random = SeededGenerator(4)
        let devices = (0..<512).map { _ in
            ScalarSampler.Device(
                state: false, p01: 6_710_886, p10: 6_710_886, hidden: .random(using: &random),
                hiddenP01: 10_066_330, hiddenP10: 10_066_330)
        }
        let columns = (0..<8).map { _ in Xoshiro(s: random.words(4)) }
        var kernel = KernelSampler(
            ScalarSampler(columns: columns, devices: devices, flips: flips))
        let shots = 20_000
        let rows = kernel.sample(ck_features_here(), words: 8, shots: shots, toggles: true)
        for lag in 1...4 {
            let equal = rows.indices.dropLast(8 * lag).reduce(0) {
                $0 + (~(rows[$1] ^ rows[$1 + 8 * lag])).nonzeroBitCount
            }
            // The mean of (2b − 1)(2b' − 1), where 2b − 1 has mean ±0.2. Neighbouring products are
            // correlated by less than 0.2², which widens the deviation by less than 5 %.
            let pairs = Double((shots - lag) * 512)
            let correlation = 2 * Double(equal) / pairs - 1
            let expected = 0.04 * pow(1 - Double(flips) / 8, Double(lag))
            #expect(abs(correlation - expected) * pairs.squareRoot() < 1.05 * zLimit, "\(lag)")
        }
    }
}

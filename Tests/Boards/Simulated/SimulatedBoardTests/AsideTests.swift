// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import DevicePhysics
import SimulatedBoard
import TestSupport
import Testing

/// A board of devices that all have this chain.
private func board(
    lanes: Int = 64, of chain: SwitchingChain = SwitchingChain(p01: 0.5, p10: 0.5),
    settings: SimulatedArraySettings = SimulatedArraySettings(.quarterPeriod), script: String = ""
) throws -> SimulatedArrayBoard {
    let board = try SimulatedArrayBoard(
        name: "test", devices: .fixed(Array(repeating: chain, count: lanes)), settings: settings,
        shotsPerFrame: 64, seed: .fixed(8), script: FaultScript(parsing: script))
    _ = try board.open()
    try board.setLanesAside(Array(repeating: ~0, count: lanes / 64))
    return board
}

extension SimulatedArrayBoard {
    /// Puts all lanes aside into state 0, pulses them, and counts those in state 1.
    fileprivate func onesAside(after pulses: Int, words: Int = 1) throws -> Int {
        try writeAside(Array(repeating: 0, count: words))
        try pulseAside(count: pulses)
        return try readAside().reduce(0) { $0 + $1.nonzeroBitCount }
    }
}

@Suite("Lanes of the simulated board that are set aside: the law of many weak pulses, time, faults")
struct SimulatedAsideTests {
    @Test("After many weak pulses, mean and variance are those of independent chains")
    func weakPulses() throws {
        let chain = SwitchingChain(p01: 0.0107, p10: 0.0093)
        let (lanes, cycles) = (1024, 400)
        let board = try board(lanes: lanes, of: chain)
        for pulses in [1, 30, 300] {
            // Thresholds are whole multiples of 1 / 65,536.
            let (p01, p10) = ((chain.p01 * 65536).rounded() / 65536, (chain.p10 * 65536).rounded() / 65536)
            var left = 1.0
            for _ in 0..<pulses { left *= 1 - p01 - p10 }
            let probability = p01 / (p01 + p10) * (1 - left)
            let counts = try (0..<cycles).map { _ in
                try board.onesAside(after: pulses, words: lanes / 64)
            }
            let z = zScore(
                successes: counts.reduce(0, +), trials: lanes * cycles, probability: probability)
            #expect(abs(z) < zLimit, "\(pulses) pulses: z = \(z)")
            // The variance of the count of a cycle; a pair correlation of 0.001 would double it.
            let (mean, variance) = (
                Double(lanes) * probability, Double(lanes) * probability * (1 - probability)
            )
            let squares = counts.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
            let deviation = (squares / variance - Double(cycles)) / (2 * Double(cycles)).squareRoot()
            #expect(abs(deviation) < zLimit, "\(pulses) pulses: \(deviation)")
        }
    }

    @Test("Correlated shots of a device, and a common disturbance, reach lanes aside")
    func disturbances() throws {
        var settings = SimulatedArraySettings(.quarterPeriod)
        settings.commonModeAmplitude = 0.2
        let disturbed = try board(lanes: 512, settings: settings)
        let counts = try (0..<200).map { _ in try disturbed.onesAside(after: 1, words: 8) }
        // 256 of 512, with a deviation of 11; the disturbance moves them by 102.
        #expect(counts.allSatisfy { abs($0 - 256) > 45 })
        #expect(counts.contains { $0 < 256 } && counts.contains { $0 > 256 })
    }

    @Test("Pulses of lanes aside take the time of as many shots")
    func time() throws {
        let board = try board(script: "at 1000 driveLoss for 500")
        #expect(try board.onesAside(after: 1) > 8)
        #expect(try board.onesAside(after: 998) > 8)
        #expect(try board.onesAside(after: 2) > 8)
        #expect(try board.onesAside(after: 499) == 0)
        #expect(try board.onesAside(after: 1) > 8)
    }

    @Test("A stuck device does not follow a write, also aside, and its neighbours do")
    func stuck() throws {
        let board = try board()
        #expect(board.inject(FaultOrder(.stuckAt1, lanes: [3])))
        try board.writeAside([0])
        #expect(try board.readAside() == [1 << 3])
        // Lanes that are not aside read as 0, stuck or not.
        try board.setLanesAside([0xF0])
        try board.writeAside([0xFF])
        #expect(try board.readAside() == [0xF0])
    }

    @Test("Heat, drift and faults of devices change lanes aside as they change the others")
    func conditions() throws {
        var settings = SimulatedArraySettings(.quarterPeriod)
        settings.drift = OrnsteinUhlenbeck(deviation: 0.02, seconds: 1)
        let board = try SimulatedArrayBoard(
            name: "test", lanes: 64, settings: settings, shotsPerFrame: 64, seed: .fixed(9))
        _ = try board.open()
        let first = board.chainsAside
        #expect(first == board.chains)
        try board.setLanesAside([~0])
        try board.pulseAside(count: ArrayOperation.pulseLimit)
        #expect(board.chainsAside != first && board.chainsAside == board.chains)
        let drifted = board.chainsAside
        #expect(board.inject(FaultOrder(.temperature(kelvin: 320))))
        try board.pulseAside(count: 1)
        #expect(board.chainsAside != drifted && board.chainsAside == board.chains)
        #expect(board.inject(FaultOrder(.retentionLoss, lanes: [5])))
        #expect(board.chainsAside[5].p01 == 0.18 && board.chains[5].p01 == 0.18)
    }

    @Test("A point outside the stream's, and trims, act on lanes aside only")
    func drive() throws {
        let board = try SimulatedArrayBoard(
            name: "test", lanes: 64, settings: SimulatedArraySettings(.quarterPeriod),
            shotsPerFrame: 64, seed: .fixed(9))
        let description = try board.open()
        let chains = board.chains
        var point = description.operatingPoint
        point.pulseWidthPicoseconds *= 0.5
        try board.setAsidePoint(point)
        try board.setAsideTrims(Array(repeating: 2000, count: 64))
        #expect(board.chains == chains && board.chainsAside != chains)
        let aside = board.chainsAside
        try board.setOperatingPoint(point)
        try board.setTrims(Array(repeating: 2000, count: 64))
        #expect(board.chains == aside && board.chainsAside == aside)
    }
}

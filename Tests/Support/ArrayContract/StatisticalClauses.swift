// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import DevicePhysics
import SimulatedBoard
import TestSupport

// Promises about chance. Seeds are fixed, so that a board keeps them always or never. Each clause looks at no more
// than 36 values of z, none of which may exceed 4.5: a board that is right breaks one for fewer than 1 seed in 4,000.

let statisticalClauses: [ArrayClause] = [
    ArrayClause("pulses switch devices as their chains say, at any trims") { bench in
        let settings = ArraySettings(seed: 20)
        let (rig, twin) = (try bench.makeRig(settings), try settings.makeTwin())
        let trims = (0..<rig.description.lanes).map { $0 % 2 == 0 ? 8000 : -8000 as Int16 }
        for trims in [trims.map { _ in 0 }, trims, trims.map { -$0 }] {
            try rig.board.setTrims(trims)
            try twin.setTrims(trims)
            try rig.checkSwitching(twin.chains, seed: 21)
        }
    },
    ArrayClause("pulses switch devices as their chains say, at another operating point") { bench in
        let settings = ArraySettings(seed: 22)
        let (rig, twin) = (try bench.makeRig(settings), try settings.makeTwin())
        var point = rig.description.operatingPoint
        point.amplitudeMillivolts *= 0.95
        try rig.board.setOperatingPoint(point)
        try twin.setOperatingPoint(point)
        try rig.checkSwitching(twin.chains, seed: 23)
    },
    ArrayClause("a read errs as often as the array does, each time anew") { bench in
        var settings = ArraySettings(seed: 24)
        settings.readErrorRate = 0.02
        let rig = try bench.makeRig(settings)
        var generator = SeededGenerator(24)
        let states = generator.words(rig.words)
        try rig.board.writeStates(states)
        let reads = 200
        try requireErrors(
            in: try (0..<reads).map { _ in try rig.board.readStates() }, of: states, rate: 0.02)
    },
    ArrayClause("pulses switch lanes aside as their chains say, at trims of their own") { bench in
        let settings = ArraySettings(seed: 50)
        let (rig, twin) = (try bench.makeRig(settings), try settings.makeTwin())
        let trims = (0..<rig.description.lanes).map { $0 % 2 == 0 ? 8000 : -8000 as Int16 }
        try rig.aside.setAsideTrims(trims)
        try rig.board.setTrims(trims.map { -$0 })
        try twin.setAsideTrims(trims)
        try rig.checkAsideSwitching(twin.chainsAside, seed: 51)
        try rig.aside.setLanesAside(rig.noLane)
        try twin.setTrims(trims.map { -$0 })
        try rig.checkSwitching(twin.chains, seed: 52)
    },
    ArrayClause("pulses switch lanes aside as their chains say, at a point of their own") { bench in
        let settings = ArraySettings(seed: 53)
        let (rig, twin) = (try bench.makeRig(settings), try settings.makeTwin())
        var point = rig.description.operatingPoint
        point.amplitudeMillivolts *= 0.95
        try rig.aside.setAsidePoint(point)
        try twin.setAsidePoint(point)
        try rig.checkAsideSwitching(twin.chainsAside, seed: 54)
        try rig.aside.setLanesAside(rig.noLane)
        try rig.checkSwitching(twin.chains, seed: 55)
    },
    ArrayClause("a read of lanes aside errs as often as the array does, each time anew") { bench in
        var settings = ArraySettings(seed: 56)
        settings.readErrorRate = 0.02
        let rig = try bench.makeRig(settings)
        var generator = SeededGenerator(56)
        let states = generator.words(rig.words)
        try rig.aside.setLanesAside(rig.everyLane)
        try rig.aside.writeAside(states)
        try requireErrors(
            in: try (0..<200).map { _ in try rig.aside.readAside() }, of: states, rate: 0.02)
    },
]

/// Requires that reads err with this probability, independently of one another.
private func requireErrors(in reads: [[UInt64]], of states: [UInt64], rate: Double) throws {
    let lanes = 64 * states.count
    let errors = reads.map { read in zip(read, states).map { $0 ^ $1 } }
    try requireRate(
        errors.joined().reduce(0) { $0 + $1.nonzeroBitCount }, of: reads.count * lanes, rate,
        "reads err")
    // An error that stays comes again in the next read.
    let repeated = zip(errors, errors.dropFirst()).reduce(0) { sum, pair in
        sum + zip(pair.0, pair.1).reduce(0) { $0 + ($1.0 & $1.1).nonzeroBitCount }
    }
    try requireRate(repeated, of: (reads.count - 1) * lanes, rate * rate, "two reads err")
}

private func requireRate(_ count: Int, of trials: Int, _ probability: Double, _ what: String) throws {
    let z = zScore(successes: count, trials: trials, probability: probability)
    try require(abs(z) < zLimit, "\(what) \(count) times of \(trials): z = \(z)")
}

extension ArraySettings {
    /// The same devices as those of a rig, for their chains.
    func makeTwin() throws -> SimulatedArrayBoard {
        let twin = try makeModel()
        _ = try twin.open()
        return twin
    }
}

extension SwitchingChain {
    /// Probability that a device is in the other state after some pulses.
    fileprivate func flipProbability(from state: Bool, pulses: Int) -> Double {
        let rate = p01 + p10
        guard rate > 0 else { return 0 }
        return (state ? p10 : p01) / rate * (1 - autocorrelation(lag: pulses))
    }
}

/// Flips of many devices against the sum of their probabilities.
private struct FlipCount {
    var flips = 0
    var expected = 0.0
    var variance = 0.0

    mutating func add(_ isFlipped: Bool, probability: Double) {
        flips += isFlipped ? 1 : 0
        expected += probability
        variance += probability * (1 - probability)
    }

    var z: Double { (Double(flips) - expected) / variance.squareRoot() }
}

extension ArrayRig {
    private static let trials = 60

    /// Writes random states, pulses, and compares the share of devices that have left their state with that of chains:
    /// for 1, 2 and 5 pulses, for each state, and for even and odd lanes, which are 12 values.
    func checkSwitching(_ chains: [SwitchingChain], seed: UInt64) throws {
        try checkSwitching(chains, seed: seed) { before, pulses in
            try board.writeStates(before)
            try board.pulse(count: pulses)
            return try board.readStates()
        }
    }

    /// The same of lanes aside, which are all lanes.
    func checkAsideSwitching(_ chains: [SwitchingChain], seed: UInt64) throws {
        let aside = try aside
        try aside.setLanesAside(everyLane)
        try checkSwitching(chains, seed: seed) { before, pulses in
            try aside.writeAside(before)
            try aside.pulseAside(count: pulses)
            return try aside.readAside()
        }
    }

    /// - Parameter cycle: writes states, pulses as often as it is told, and reads.
    private func checkSwitching(
        _ chains: [SwitchingChain], seed: UInt64, cycle: ([UInt64], Int) throws -> [UInt64]
    ) throws {
        var generator = SeededGenerator(seed)
        for pulses in [1, 2, 5] {
            var counts = [FlipCount](repeating: FlipCount(), count: 4)
            for _ in 0..<Self.trials {
                let before = generator.words(words)
                let after = try cycle(before, pulses)
                for (lane, chain) in chains.enumerated() {
                    let (word, bit) = lane.quotientAndRemainder(dividingBy: 64)
                    let state = before[word] >> bit & 1 == 1
                    counts[(state ? 2 : 0) + lane % 2].add(
                        (before[word] ^ after[word]) >> bit & 1 == 1,
                        probability: chain.flipProbability(from: state, pulses: pulses))
                }
            }
            for (index, count) in counts.enumerated() {
                let group = "\(index % 2 == 0 ? "even" : "odd") lanes in state \(index / 2)"
                try require(
                    abs(count.z) < zLimit,
                    "\(group), \(pulses) pulses: \(count.flips) flips where \(count.expected) are expected,"
                        + " z = \(count.z)")
            }
        }
    }
}

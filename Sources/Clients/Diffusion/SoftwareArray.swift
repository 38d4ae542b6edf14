// SPDX-License-Identifier: Apache-2.0

import EntropyTerms
import Glibc

/// An array in software, for tests and controls: every device is an exact two-state chain.
///
/// Its random numbers come from a seed and are the same in every run. It is not a source of entropy.
public final class SoftwareArray: DeviceArray {
    /// How likely a pulse flips a device.
    public struct Device: Hashable, Sendable {
        /// The probability that a pulse flips it up when it is down.
        public var rise: Double
        /// The probability that a pulse flips it down when it is up.
        public var fall: Double

        /// A device of these probabilities, of which the sum is from 0 to 1.
        public init(rise: Double, fall: Double) {
            precondition(rise >= 0 && fall >= 0 && rise + fall <= 1)
            self.rise = rise
            self.fall = fall
        }
    }

    /// What is wrong with the array.
    public struct Faults: Hashable, Sendable {
        /// Lanes that are always up.
        public var stuckUp: Set<Int> = []
        /// Lanes that are always down.
        public var stuckDown: Set<Int> = []
        /// Raises `rise` and lowers `fall` of all devices by this share.
        public var asymmetry = 0.0
        /// The correlation of any two devices in the same state under the same pulses, from 0 to 1.
        public var correlation = 0.0

        /// No faults.
        public init() {}
    }

    /// The chance of a device to be up after some pulses, in 2⁻⁶⁴, from either state.
    private struct Chances {
        let fromDown: [UInt64]
        let fromUp: [UInt64]
    }

    /// A board named `software`.
    public let origin = ArrayOrigin(board: "software", provenance: .simulated, healthEpoch: 0)
    /// Its devices.
    public var devices: [Device] { didSet { chances = [:] } }
    private let faults: Faults
    private var states: [Bool]
    private var generator: Generator
    /// By number of pulses.
    private var chances: [Int: Chances] = [:]

    /// The number of pulses that were applied so far.
    public private(set) var pulses = 0

    /// An array of devices, all of them down.
    public init(devices: [Device], faults: Faults = Faults(), seed: UInt64) {
        precondition(!devices.isEmpty)
        self.devices = devices
        self.faults = faults
        states = Array(repeating: false, count: devices.count)
        generator = Generator(state: seed)
    }

    /// Devices with a spread like that of an array.
    ///
    /// - Parameters:
    ///   - count: the number of devices.
    ///   - flipProbability: the median over the devices of the probability that a pulse flips one.
    ///   - logarithmSpread: the standard deviation of its logarithm.
    ///   - asymmetrySpread: the standard deviation of (rise − fall) / (rise + fall).
    ///   - seed: of the devices.
    public static func devices(
        _ count: Int, flipProbability: Double = 0.01, logarithmSpread: Double = 0, asymmetrySpread: Double = 0,
        seed: UInt64 = 0
    ) -> [Device] {
        var generator = Generator(state: seed)
        return (0..<count).map { _ in
            let mean = min(flipProbability * exp(logarithmSpread * generator.normal()), 0.49)
            let asymmetry = min(max(asymmetrySpread * generator.normal(), -1), 1)
            return Device(rise: mean * (1 + asymmetry), fall: mean * (1 - asymmetry))
        }
    }

    /// The number of devices.
    public var laneCount: Int { devices.count }

    /// Puts devices into states.
    public func write(_ states: LaneBits, leaving mask: LaneBits?) {
        precondition(states.count == laneCount && mask.map { $0.count == laneCount } ?? true)
        for lane in 0..<laneCount where mask.map({ !$0[lane] }) ?? true { self.states[lane] = states[lane] }
    }

    /// Applies pulses to devices.
    public func pulse(_ count: Int, leaving mask: LaneBits?) {
        precondition(count >= 0 && mask.map { $0.count == laneCount } ?? true)
        guard count > 0 else { return }
        pulses += count
        let chances = chances(after: count)
        let common = generator.next()
        let share = UInt64(min(faults.correlation.squareRoot() * 0x1p64, 0x1.fffffffffffffp63))
        for lane in 0..<laneCount where mask.map({ !$0[lane] }) ?? true {
            let chance = states[lane] ? chances.fromUp[lane] : chances.fromDown[lane]
            let isCommon = share > 0 && generator.next() < share
            states[lane] = (isCommon ? common : generator.next()) < chance
        }
    }

    /// The states of all devices, with those that are stuck.
    public func read() -> LaneBits {
        var bits = LaneBits(repeating: false, count: laneCount)
        for lane in 0..<laneCount where states[lane] { bits[lane] = true }
        for lane in faults.stuckUp { bits[lane] = true }
        for lane in faults.stuckDown { bits[lane] = false }
        return bits
    }

    private func chances(after count: Int) -> Chances {
        if let known = chances[count] { return known }
        if chances.count > 256 { chances = [:] }
        let both = devices.map { device in
            let rise = device.rise * (1 + faults.asymmetry)
            let fall = device.fall * (1 - faults.asymmetry)
            guard rise + fall > 0 else { return (down: 0.0, up: 1.0) }
            let (settled, kept) = (rise / (rise + fall), pow(1 - rise - fall, Double(count)))
            return (down: settled * (1 - kept), up: settled + (1 - settled) * kept)
        }
        func threshold(_ chance: Double) -> UInt64 { chance >= 1 ? .max : UInt64(chance * 0x1p64) }
        let made = Chances(fromDown: both.map { threshold($0.down) }, fromUp: both.map { threshold($0.up) })
        chances[count] = made
        return made
    }

    /// SplitMix64 (Steele, Lea and Flood 2014).
    private struct Generator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var mixed = (state ^ state >> 30) &* 0xbf58_476d_1ce4_e5b9
            mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
            return mixed ^ mixed >> 31
        }

        /// Box and Muller, of whose two numbers one is used.
        mutating func normal() -> Double {
            let radius = (-2 * log((Double(next() >> 11) + 1) * 0x1p-53)).squareRoot()
            return radius * cos(2 * .pi * Double(next() >> 11) * 0x1p-53)
        }
    }
}

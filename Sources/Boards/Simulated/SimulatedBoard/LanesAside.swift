// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import DevicePhysics

/// The lanes of an array that are set aside from its stream, with a drive of their own.
///
/// Only these lanes are simulated, packed in the order of their numbers, so that pulses cost as much as there are lanes
/// aside. Not thread-safe.
final class LanesAside {
    /// A bit for each lane of the array, 1 for a lane that is aside.
    private(set) var lanes: [UInt64]
    var operatingPoint: OperatingPoint { didSet { version = nil } }
    /// One for each lane of the array.
    var trims: [Int16] { didSet { version = nil } }
    /// A bit for each lane of the array, 1 for a lane that keeps its state.
    var mask: [UInt64]

    /// The number of the lane in each place of the simulator.
    private var members: [Int] = []
    /// Nil when no lane is aside.
    private var simulator: ArraySimulator?
    private var rows: [UInt64] = []
    private let memory: DeviceMemory
    private var seed: SeedGenerator
    /// The version of the conditions whose chains were set last; nil when none hold.
    private var version: UInt64?

    /// The most pulses whose rows are made at a time.
    private static let pulseBatch = 64

    /// - Parameter words: in a row of the whole array.
    init(words: Int, operatingPoint: OperatingPoint, memory: DeviceMemory, seed: UInt64) {
        lanes = Array(repeating: 0, count: words)
        mask = lanes
        trims = Array(repeating: 0, count: 64 * words)
        self.operatingPoint = operatingPoint
        self.memory = memory
        self.seed = .mixed(seed)
    }

    /// Sets other lanes aside, in the given states.
    ///
    /// - Parameters:
    ///   - states: a bit for each lane of the array.
    func set(_ lanes: [UInt64], states: [UInt64]) {
        self.lanes = lanes
        members = (0..<64 * lanes.count).filter { lanes[$0 / 64] >> ($0 % 64) & 1 == 1 }
        let words = (members.count + 63) / 64
        simulator =
            words == 0 ? nil : ArraySimulator(lanes: 64 * words, memory: memory, seed: &seed)
        rows = Array(repeating: 0, count: Self.pulseBatch * words)
        version = nil
        simulator?.states = packed(states)
    }

    /// The states of the lanes aside, 0 for all others.
    var states: [UInt64] {
        guard let simulator else { return lanes.map { _ in 0 } }
        return unpacked(simulator.states)
    }

    /// Puts every lane aside that is not masked into a state.
    func write(_ states: [UInt64]) {
        guard let simulator else { return }
        let kept = packed(mask)
        simulator.states = Self.merge(simulator.states, packed(states), keeping: kept)
    }

    /// Pulses every lane aside that is not masked.
    ///
    /// - Parameters:
    ///   - count: as many as these conditions hold for.
    ///   - conditions: up to date.
    func pulse(count: Int, in conditions: ArrayConditions) {
        guard let simulator else { return }
        if version != conditions.version {
            let chains = conditions.chains(of: members, at: operatingPoint, trims: trims)
            simulator.set(chains, commonMode: conditions.commonMode)
            version = conditions.version
        }
        let (before, kept) = (simulator.states, packed(mask))
        rows.withUnsafeMutableBufferPointer { rows in
            guard let base = rows.baseAddress else { return }
            for done in stride(from: 0, to: count, by: Self.pulseBatch) {
                simulator.sample(
                    shots: min(Self.pulseBatch, count - done), toggles: false, into: base)
            }
        }
        simulator.states = Self.merge(before, simulator.states, keeping: kept)
    }

    private static func merge(
        _ old: [UInt64], _ new: [UInt64], keeping kept: [UInt64]
    ) -> [UInt64] {
        kept.indices.map { old[$0] & kept[$0] | new[$0] & ~kept[$0] }
    }

    private func packed(_ bits: [UInt64]) -> [UInt64] {
        var packed = [UInt64](repeating: 0, count: (members.count + 63) / 64)
        for (place, lane) in members.enumerated() {
            packed[place / 64] |= (bits[lane / 64] >> (lane % 64) & 1) << (place % 64)
        }
        return packed
    }

    private func unpacked(_ packed: [UInt64]) -> [UInt64] {
        var bits = [UInt64](repeating: 0, count: lanes.count)
        for (place, lane) in members.enumerated() {
            bits[lane / 64] |= (packed[place / 64] >> (place % 64) & 1) << (lane % 64)
        }
        return bits
    }
}

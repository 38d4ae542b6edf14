// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import DevicePhysics

/// The model of an array: its devices, their drift and faults, and the resulting shots. Knows nothing of
/// frames. Not thread-safe.
///
/// Time is counted in shots, and stands still while none are made.
final class SimulatedArray {
    let settings: SimulatedArraySettings
    private var conditions: ArrayConditions
    var operatingPoint: OperatingPoint { didSet { conditions.expire() } }
    var trims: [Int16] { didSet { conditions.expire() } }
    /// A bit for each lane, 1 for a device that keeps its state and reads as 0.
    private(set) var mask: [UInt64]
    /// The lanes that `sample`, `pulse`, `write` and `readStates` leave alone.
    let aside: LanesAside
    /// The lanes that are neither masked nor aside, a bit each, and how many others there are.
    private var shown: [UInt64]
    private(set) var hiddenLanes = 0

    private let simulator: ArraySimulator
    private var readErrors: ReadErrors
    private var stateReadErrors: ReadErrors
    /// The chains that were set last, and the version of the conditions that they are of.
    private var chains: [SwitchingChain] = []
    private var version: UInt64 = 0

    /// The most pulses whose rows are made at a time.
    private static let pulseBatch = 64

    init(devices: ArrayDevices, settings: SimulatedArraySettings, seed: SimulationSeed) {
        self.settings = settings
        operatingPoint = settings.operatingPoint
        trims = Array(repeating: 0, count: devices.count)
        let noLane = [UInt64](repeating: 0, count: devices.count / 64)
        (mask, shown) = (noLane, noLane.map { ~$0 })
        // A variable of its own: optimised code of Swift 6.3 leaks the object whose property an initializer passes
        // inout.
        var generator = seed.makeGenerator()
        simulator = ArraySimulator(
            lanes: devices.count, memory: settings.memory, seed: &generator)
        let readSeed = generator.next()
        readErrors = ReadErrors(
            rate: settings.readErrorRate, changesToggles: settings.preset.isToggleEncoded,
            seed: readSeed)
        stateReadErrors = ReadErrors(
            rate: settings.readErrorRate, changesToggles: false, seed: ~readSeed)
        aside = LanesAside(
            words: noLane.count, operatingPoint: settings.operatingPoint, memory: settings.memory,
            seed: readSeed.byteSwapped)
        conditions = ArrayConditions(devices: devices, settings: settings, generator: generator)
    }

    var devices: ArrayDevices { conditions.devices }

    var words: Int { devices.count / 64 }

    /// Shots made so far.
    var shot: UInt64 { conditions.shot }

    var faults: FaultSchedule {
        get { conditions.faults }
        set { conditions.faults = newValue }
    }

    var temperatureKelvin: Double { conditions.temperatureKelvin }

    var seconds: Double { Double(shot) / settings.shotsPerSecond }

    /// The chain of each device at this shot.
    var chainsNow: [SwitchingChain] {
        bringUpToDate()
        return chains
    }

    /// The chain that each device has at this shot when it is aside.
    var chainsAside: [SwitchingChain] {
        conditions.bringUpToDate()
        return conditions.chains(
            of: trims.indices, at: aside.operatingPoint, trims: aside.trims)
    }

    /// The share of ones of each lane in the long run, by the chains of this shot.
    var probabilities: [Double] {
        let toggles = settings.preset.isToggleEncoded
        return chainsNow.map { toggles ? $0.switchingProbability : $0.stationaryProbability }
    }

    var resistances: [Float] {
        bringUpToDate()
        return conditions.resistances
    }

    // MARK: Shots

    /// Pulses and reads the devices `shots` times, a row for each.
    func sample(shots: Int, into rows: UnsafeMutableBufferPointer<UInt64>) {
        advance(shots: shots, into: rows) { piece in
            readErrors.apply(to: piece, words: words)
            stick(piece)
            hide(in: piece)
        }
    }

    /// Pulses the devices `count` times and reads nothing.
    func pulse(count: Int) {
        let batch = min(count, Self.pulseBatch)
        guard batch > 0 else { return }
        let rows = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: batch * words)
        defer { rows.deallocate() }
        var left = count
        while left > 0 {
            let shots = min(left, batch)
            advance(shots: shots, into: rows) { _ in }
            left -= shots
        }
    }

    /// - Parameter read: is given the rows of the devices, as far as one set of chains holds.
    private func advance(
        shots: Int, into rows: UnsafeMutableBufferPointer<UInt64>,
        read: (UnsafeMutableBufferPointer<UInt64>) -> Void
    ) {
        var done = 0
        while done < shots {
            bringUpToDate()
            let count = conditions.shotsUntilChange(limit: shots - done)
            let piece = UnsafeMutableBufferPointer(
                rebasing: rows[done * words..<(done + count) * words])
            pulse(shots: count, into: piece)
            read(piece)
            conditions.advance(shots: count)
            done += count
        }
    }

    private func pulse(shots: Int, into rows: UnsafeMutableBufferPointer<UInt64>) {
        guard let base = rows.baseAddress else { return }
        let isMasked = mask.contains { $0 != 0 }
        let before = isMasked ? simulator.states : []
        simulator.sample(shots: shots, toggles: settings.preset.isToggleEncoded, into: base)
        if isMasked { simulator.states = keepingMasked(of: before, in: simulator.states) }
    }

    // MARK: States and mask

    /// - Parameter mask: `words` words.
    func setMask(_ mask: [UInt64]) {
        precondition(mask.count == words)
        self.mask = mask
        updateShown()
    }

    /// Puts every device that is not masked into a state. The model makes no write errors.
    func write(_ states: [UInt64]) {
        precondition(states.count == words)
        simulator.states = keepingMasked(of: simulator.states, in: states)
    }

    /// The states of the devices as a read gives them, with its errors.
    func readStates() -> [UInt64] {
        read(simulator.states, in: shown)
    }

    private func read(_ states: [UInt64], in lanes: [UInt64]) -> [UInt64] {
        // Faults of devices hold from the shot at which they begin, also when no shot is made.
        bringUpToDate()
        var row = states
        row.withUnsafeMutableBufferPointer { row in
            stateReadErrors.apply(to: row, words: words)
            stick(row)
        }
        return row.indices.map { row[$0] & lanes[$0] }
    }

    private func keepingMasked(of old: [UInt64], in new: [UInt64]) -> [UInt64] {
        mask.indices.map { old[$0] & mask[$0] | new[$0] & ~mask[$0] }
    }

    private func updateShown() {
        shown = mask.indices.map { ~(mask[$0] | aside.lanes[$0]) }
        hiddenLanes = shown.reduce(0) { $0 + 64 - $1.nonzeroBitCount }
    }

    private func hide(in rows: UnsafeMutableBufferPointer<UInt64>) {
        guard hiddenLanes > 0 else { return }
        let shown = shown
        for row in stride(from: 0, to: rows.count, by: words) {
            for word in 0..<words { rows[row + word] &= shown[word] }
        }
    }

    /// Sets the bits of stuck lanes to 0 or 1.
    private func stick(_ rows: UnsafeMutableBufferPointer<UInt64>) {
        for (fault, isOne) in [(Fault.stuckAt0, false), (.stuckAt1, true)] {
            for lane in faults.lanes(of: fault, at: shot) {
                let bit: UInt64 = 1 << (lane % 64)
                for index in stride(from: lane / 64, to: rows.count, by: words) {
                    rows[index] = isOne ? rows[index] | bit : rows[index] & ~bit
                }
            }
        }
    }

    private func bringUpToDate() {
        conditions.bringUpToDate()
        guard version != conditions.version else { return }
        chains = conditions.chains(of: trims.indices, at: operatingPoint, trims: trims)
        simulator.set(chains, commonMode: conditions.commonMode)
        version = conditions.version
    }

    // MARK: Lanes aside

    /// - Parameter lanes: `words` words.
    func setAside(_ lanes: [UInt64]) {
        precondition(lanes.count == words)
        let (streaming, apart) = (simulator.states, aside.states)
        let states = lanes.indices.map { word in
            streaming[word] & ~aside.lanes[word] | apart[word]
        }
        simulator.states = states
        aside.set(lanes, states: states)
        updateShown()
    }

    /// Pulses the lanes aside, which takes the time of as many shots.
    func pulseAside(count: Int) {
        var left = count
        while left > 0 {
            conditions.bringUpToDate()
            let pulses = conditions.shotsUntilChange(limit: left)
            aside.pulse(count: pulses, in: conditions)
            conditions.advance(shots: pulses)
            left -= pulses
        }
    }

    /// The states of the lanes aside as a read gives them, with its errors.
    func readAside() -> [UInt64] { read(aside.states, in: aside.lanes) }
}

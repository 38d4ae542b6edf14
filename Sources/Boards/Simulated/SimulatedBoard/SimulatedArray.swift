// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
package import DevicePhysics
import Glibc

/// The model of an array: its devices, their drift and faults, and the resulting shots. Knows nothing of
/// frames. Not thread-safe.
///
/// Time is counted in shots, and stands still while none are made.
final class SimulatedArray {
    let settings: SimulatedArraySettings
    /// Shots made so far.
    private(set) var shot: UInt64 = 0
    let devices: ArrayDevices
    var faults = FaultSchedule() { didSet { isCurrent = false } }
    var operatingPoint: OperatingPoint { didSet { isCurrent = false } }
    var trims: [Int16] { didSet { isCurrent = false } }
    /// A bit for each lane, 1 for a device that keeps its state and reads as 0.
    private(set) var mask: [UInt64]
    private(set) var maskedLanes = 0

    private let simulator: ArraySimulator
    private var readErrors: ReadErrors
    private var stateReadErrors: ReadErrors
    private var generator: SeedGenerator
    private var drifts: [Double]
    private var driftedAt: UInt64 = 0
    private var ramp: TemperatureRamp
    private var telegraph = Telegraph()
    /// The chains that were set last, and whether they still hold.
    private var chains: [SwitchingChain] = []
    private var isCurrent = false

    /// The most shots between updates of slow changes.
    private static let updateShots: UInt64 = 65536
    /// The most pulses whose rows are made at a time.
    private static let pulseBatch = 64
    /// Amplitude of the fault `commonMode`.
    private static let commonModeFault = 0.1
    /// A device that forgets its state is in state 1 with this probability.
    private static let retentionLoss = SwitchingChain(p01: 0.18, p10: 0.82)
    private static let telegraphChain = SwitchingChain(p01: 0.25, p10: 0.25)

    init(devices: ArrayDevices, settings: SimulatedArraySettings, seed: SimulationSeed) {
        self.devices = devices
        self.settings = settings
        operatingPoint = settings.operatingPoint
        trims = Array(repeating: 0, count: devices.count)
        mask = Array(repeating: 0, count: devices.count / 64)
        ramp = TemperatureRamp(kelvin: settings.temperatureKelvin)
        // A variable of its own: optimised code of Swift 6.3 leaks the object whose property an initializer passes
        // inout.
        var generator = seed.makeGenerator()
        simulator = ArraySimulator(
            lanes: devices.count, memory: settings.memory, seed: &generator)
        let readSeed = generator.next()
        self.generator = generator
        readErrors = ReadErrors(
            rate: settings.readErrorRate, changesToggles: settings.preset.isToggleEncoded,
            seed: readSeed)
        stateReadErrors = ReadErrors(
            rate: settings.readErrorRate, changesToggles: false, seed: ~readSeed)
        drifts = []
        drifts = (0..<devices.count).map { _ in settings.drift.deviation * normal() }
    }

    var words: Int { devices.count / 64 }

    var temperatureKelvin: Double { ramp.kelvin(at: shot) }

    var seconds: Double { Double(shot) / settings.shotsPerSecond }

    /// The chain of each device at this shot.
    var chainsNow: [SwitchingChain] {
        bringUpToDate()
        return chains
    }

    /// The share of ones of each lane in the long run, by the chains of this shot.
    var probabilities: [Double] {
        let toggles = settings.preset.isToggleEncoded
        return chainsNow.map { toggles ? $0.switchingProbability : $0.stationaryProbability }
    }

    var resistances: [Float] {
        bringUpToDate()
        let collapsed = faults.lanes(of: .resistanceCollapse, at: shot)
        return drifts.indices.map { lane in
            let ohms = devices.resistanceOhms(lane: lane, drift: drifts[lane])
            return Float(collapsed.contains(lane) ? ohms / 5 : ohms)
        }
    }

    // MARK: Shots

    /// Pulses and reads the devices `shots` times, a row for each.
    func sample(shots: Int, into rows: UnsafeMutableBufferPointer<UInt64>) {
        advance(shots: shots, into: rows) { piece in
            readErrors.apply(to: piece, words: words)
            stick(piece)
            hideMasked(in: piece)
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
            let next = min(faults.change(after: shot), telegraph.next, driftedAt + Self.updateShots)
            let count = Int(min(UInt64(shots - done), next - shot))
            let piece = UnsafeMutableBufferPointer(
                rebasing: rows[done * words..<(done + count) * words])
            pulse(shots: count, into: piece)
            read(piece)
            shot += UInt64(count)
            done += count
            isCurrent = isCurrent && shot < next
        }
    }

    private func pulse(shots: Int, into rows: UnsafeMutableBufferPointer<UInt64>) {
        guard let base = rows.baseAddress else { return }
        let before = maskedLanes > 0 ? simulator.states : []
        simulator.sample(shots: shots, toggles: settings.preset.isToggleEncoded, into: base)
        if maskedLanes > 0 { simulator.states = keepingMasked(of: before, in: simulator.states) }
    }

    // MARK: States and mask

    /// - Parameter mask: `words` words.
    func setMask(_ mask: [UInt64]) {
        precondition(mask.count == words)
        self.mask = mask
        maskedLanes = mask.reduce(0) { $0 + $1.nonzeroBitCount }
    }

    /// Puts every device that is not masked into a state. The model makes no write errors.
    func write(_ states: [UInt64]) {
        precondition(states.count == words)
        simulator.states = keepingMasked(of: simulator.states, in: states)
    }

    /// The states of the devices as a read gives them, with its errors.
    func readStates() -> [UInt64] {
        // Faults of devices hold from the shot at which they begin, also when no shot is made.
        bringUpToDate()
        var row = simulator.states
        row.withUnsafeMutableBufferPointer { row in
            stateReadErrors.apply(to: row, words: words)
            stick(row)
            hideMasked(in: row)
        }
        return row
    }

    private func keepingMasked(of old: [UInt64], in new: [UInt64]) -> [UInt64] {
        mask.indices.map { old[$0] & mask[$0] | new[$0] & ~mask[$0] }
    }

    private func hideMasked(in rows: UnsafeMutableBufferPointer<UInt64>) {
        guard maskedLanes > 0 else { return }
        for index in rows.indices { rows[index] &= ~mask[index % words] }
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
        guard !isCurrent else { return }
        for order in faults.takeBegun(at: shot, where: \.isTemperature) {
            if case .temperature(let kelvin) = order.fault {
                ramp = TemperatureRamp(
                    from: ramp.kelvin(at: shot), to: kelvin, at: shot, over: order.forShots ?? 0)
            }
        }
        faults.forget(before: shot)
        drift()
        telegraph.advance(
            to: shot, lanes: faults.lanes(of: .telegraph, at: shot), using: &generator)
        chains = currentChains()
        let isDisturbed = faults.isActive(.commonMode, at: shot)
        simulator.set(
            chains, commonMode: isDisturbed ? Self.commonModeFault : settings.commonModeAmplitude)
        isCurrent = true
    }

    private func drift() {
        let seconds = Double(shot - driftedAt) / settings.shotsPerSecond
        driftedAt = shot
        guard settings.drift.deviation > 0, seconds > 0 else { return }
        for lane in drifts.indices {
            drifts[lane] = settings.drift.value(
                after: seconds, from: drifts[lane], normal: normal())
        }
    }

    private func currentChains() -> [SwitchingChain] {
        if faults.isActive(.driveLoss, at: shot) {
            return Array(repeating: .dead, count: devices.count)
        }
        var point = operatingPoint
        if faults.isActive(.pulseTooLong, at: shot) { point.pulseWidthPicoseconds *= 2 }
        var chains = drifts.indices.map { lane in
            devices.chain(
                lane: lane, at: point, trim: trims[lane], temperatureKelvin: temperatureKelvin,
                drift: drifts[lane])
        }
        for lane in telegraph.changed { chains[lane] = Self.telegraphChain }
        for lane in faults.lanes(of: .retentionLoss, at: shot) {
            chains[lane] = Self.retentionLoss
        }
        return chains
    }

    /// A standard normal number (Box and Muller 1958).
    private func normal() -> Double {
        let radius = (-2 * log(1 - Double.random(in: 0..<1, using: &generator))).squareRoot()
        return radius * cos(2 * .pi * Double.random(in: 0..<1, using: &generator))
    }
}

/// The devices of an array, by lane.
package enum ArrayDevices: Sendable {
    case physical([ArrayDevice])
    /// Chains that only faults change, for tests of what follows the array.
    case fixed([SwitchingChain])

    package var count: Int {
        switch self {
        case .physical(let devices): devices.count
        case .fixed(let chains): chains.count
        }
    }

    func chain(
        lane: Int, at point: OperatingPoint, trim: Int16, temperatureKelvin: Double, drift: Double
    ) -> SwitchingChain {
        switch self {
        case .physical(let devices):
            devices[lane].chain(
                at: point, trim: trim, temperatureKelvin: temperatureKelvin, drift: drift)
        case .fixed(let chains): chains[lane]
        }
    }

    func resistanceOhms(lane: Int, drift: Double) -> Double {
        switch self {
        case .physical(let devices): devices[lane].resistanceOhms(drift: drift)
        // A chain has no resistance; any value serves.
        case .fixed: 5000
        }
    }
}

extension Fault {
    fileprivate var isTemperature: Bool { if case .temperature = self { true } else { false } }
}

/// A temperature that moves evenly from one value to another and stays there.
private struct TemperatureRamp {
    private let from: Double
    private let to: Double
    private let begin: UInt64
    private let shots: UInt64

    init(kelvin: Double) { self.init(from: kelvin, to: kelvin, at: 0, over: 0) }

    init(from: Double, to: Double, at begin: UInt64, over shots: UInt64) {
        self.from = from
        self.to = to
        self.begin = begin
        self.shots = shots
    }

    func kelvin(at shot: UInt64) -> Double {
        guard shot - begin < shots else { return to }
        return from + (to - from) * Double(shot - begin) / Double(shots)
    }
}

/// Lanes that change at random between two ways of switching; the times between changes are
/// exponentially distributed.
private struct Telegraph {
    /// The lanes that switch in the other way now.
    private(set) var changed: Set<Int> = []
    /// When each lane changes next.
    private var changes: [Int: UInt64] = [:]

    /// Mean time between changes, in shots: four windows.
    private static let dwellShots = 4096.0

    /// The shot of the next change of any lane.
    var next: UInt64 { changes.values.min() ?? .max }

    mutating func advance(
        to shot: UInt64, lanes: Set<Int>, using generator: inout SeedGenerator
    ) {
        changes = changes.filter { lanes.contains($0.key) }
        changed.formIntersection(lanes)
        for lane in lanes.sorted() {
            var change = changes[lane] ?? shot + Self.dwell(using: &generator)
            while change <= shot {
                changed.formSymmetricDifference([lane])
                change += Self.dwell(using: &generator)
            }
            changes[lane] = change
        }
    }

    private static func dwell(using generator: inout SeedGenerator) -> UInt64 {
        let uniform = 1 - Double.random(in: 0..<1, using: &generator)
        return UInt64(max(1, (-dwellShots * log(uniform)).rounded()))
    }
}

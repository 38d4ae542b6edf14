// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import DevicePhysics
import Glibc

/// The devices of an array with all that changes them with time: drift, temperature, telegraph noise, faults.
///
/// Time is counted in shots, and stands still while none are made.
struct ArrayConditions {
    let devices: ArrayDevices
    private let settings: SimulatedArraySettings
    /// Shots made so far.
    private(set) var shot: UInt64 = 0
    var faults = FaultSchedule() { didSet { isCurrent = false } }
    /// The number of updates so far: chains hold for as long as it stays the same.
    private(set) var version: UInt64 = 0

    private var generator: SeedGenerator
    private var drifts: [Double] = []
    private var driftedAt: UInt64 = 0
    private var ramp: TemperatureRamp
    private var telegraph = Telegraph()
    private var isCurrent = false
    /// The shot at which the next update is due, as long as this one is current.
    private var nextChange: UInt64 = 0

    /// The most shots between updates of slow changes.
    private static let updateShots: UInt64 = 65536
    /// Amplitude of the fault `commonMode`.
    private static let commonModeFault = 0.1
    /// A device that forgets its state is in state 1 with this probability.
    private static let retentionLoss = SwitchingChain(p01: 0.18, p10: 0.82)
    private static let telegraphChain = SwitchingChain(p01: 0.25, p10: 0.25)

    init(devices: ArrayDevices, settings: SimulatedArraySettings, generator: SeedGenerator) {
        self.devices = devices
        self.settings = settings
        self.generator = generator
        ramp = TemperatureRamp(kelvin: settings.temperatureKelvin)
        drifts = (0..<devices.count).map { _ in settings.drift.deviation * normal() }
    }

    var temperatureKelvin: Double { ramp.kelvin(at: shot) }

    /// By how much the probabilities of all devices move up or down together.
    var commonMode: Double {
        faults.isActive(.commonMode, at: shot) ? Self.commonModeFault : settings.commonModeAmplitude
    }

    /// The chains of devices with this drive, after `bringUpToDate`.
    ///
    /// - Parameters:
    ///   - trims: one for each lane of the array.
    func chains(
        of lanes: some Collection<Int>, at point: OperatingPoint, trims: [Int16]
    ) -> [SwitchingChain] {
        if faults.isActive(.driveLoss, at: shot) {
            return Array(repeating: .dead, count: lanes.count)
        }
        var point = point
        if faults.isActive(.pulseTooLong, at: shot) { point.pulseWidthPicoseconds *= 2 }
        let (forgetful, kelvin) = (faults.lanes(of: .retentionLoss, at: shot), temperatureKelvin)
        return lanes.map { lane in
            if forgetful.contains(lane) { return Self.retentionLoss }
            if telegraph.changed.contains(lane) { return Self.telegraphChain }
            return devices.chain(
                lane: lane, at: point, trim: trims[lane], temperatureKelvin: kelvin, drift: drifts[lane])
        }
    }

    /// The resistance of every device, after `bringUpToDate`.
    var resistances: [Float] {
        let collapsed = faults.lanes(of: .resistanceCollapse, at: shot)
        return drifts.indices.map { lane in
            let ohms = devices.resistanceOhms(lane: lane, drift: drifts[lane])
            return Float(collapsed.contains(lane) ? ohms / 5 : ohms)
        }
    }

    // MARK: Time

    /// Does all that is due at this shot.
    mutating func bringUpToDate() {
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
        version += 1
        nextChange = min(faults.change(after: shot), telegraph.next, driftedAt + Self.updateShots)
        isCurrent = true
    }

    /// Makes `bringUpToDate` do its work anew.
    mutating func expire() { isCurrent = false }

    /// How many of `limit` shots can be made before something changes, at least 1; after `bringUpToDate`.
    func shotsUntilChange(limit: Int) -> Int { Int(min(UInt64(limit), nextChange - shot)) }

    /// - Parameter shots: no more than `shotsUntilChange`.
    mutating func advance(shots: Int) {
        shot += UInt64(shots)
        isCurrent = isCurrent && shot < nextChange
    }

    private mutating func drift() {
        let seconds = Double(shot - driftedAt) / settings.shotsPerSecond
        driftedAt = shot
        guard settings.drift.deviation > 0, seconds > 0 else { return }
        for lane in drifts.indices {
            drifts[lane] = settings.drift.value(
                after: seconds, from: drifts[lane], normal: normal())
        }
    }

    /// A standard normal number (Box and Muller 1958).
    private mutating func normal() -> Double {
        let radius = (-2 * log(1 - Double.random(in: 0..<1, using: &generator))).squareRoot()
        return radius * cos(2 * .pi * Double.random(in: 0..<1, using: &generator))
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

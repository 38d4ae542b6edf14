// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import DaemonConfiguration
import EntropyTerms
import DevicePhysics

/// A small repeatable generator (SplitMix64).
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

extension DaemonSettings {
    /// Settings that a configuration can have.
    static func random(using generator: inout SplitMix) -> DaemonSettings {
        var settings = DaemonSettings()
        settings.runtimeDirectory = "/" + word("ab c:#'\"é&*!{}[]%/-", 0...30, using: &generator)
        settings.log.level = LogSettings.Level.allCases.randomElement(using: &generator) ?? .info
        settings.boards = (0..<Int.random(in: 0...4, using: &generator)).map {
            .random(named: "\($0)", using: &generator)
        }
        // Those that are random are not mixed with those that are not.
        let isGenuine = settings.boards.first?.provenance.isGenuine
        settings.boards.removeAll { $0.provenance.isGenuine != isGenuine }
        settings.health.claimedEntropyPerBit = .random(in: 0.1...1, using: &generator)
        settings.health.startUpWindows = .random(in: 1...1000, using: &generator)
        settings.health.minimumGoodLanesPercent = .random(in: 1...100, using: &generator)
        settings.rings.fullBytes = 1 << Int.random(in: 16...28, using: &generator)
        settings.rings.rawBytes = 1 << Int.random(in: 16...28, using: &generator)
        settings.rings.lockMemory =
            RingSettings.LockMemory.allCases.randomElement(using: &generator) ?? .required
        settings.entropy.maximumClients = .random(in: 1...65536, using: &generator)
        settings.entropy.socketMode = .random(in: 0...0o777, using: &generator)
        settings.control.maximumClients = .random(in: 1...1024, using: &generator)
        settings.control.socketMode = .random(in: 0...0o777, using: &generator)
        settings.egd.serve = .random(using: &generator)
        settings.egd.allowSimulated = isGenuine == false || .random(using: &generator)
        settings.egd.maximumClients = .random(in: 1...1024, using: &generator)
        settings.egd.socketMode = .random(in: 0...0o777, using: &generator)
        settings.kernel.feed = settings.boards.isEmpty
        settings.kernel.intervalSeconds = .random(in: 1...86_400, using: &generator)
        settings.kernel.bytes = 32 * .random(in: 1...128, using: &generator)
        return settings
    }
}

extension BoardSettings {
    fileprivate static func random(
        named end: String, using generator: inout SplitMix
    ) -> BoardSettings {
        var board = BoardSettings()
        board.name = word("noNO-_019eExyz", 0...31, using: &generator) + end
        board.lanes = 64 * .random(in: 1...64, using: &generator)
        board.seed = Bool.random(using: &generator) ? .kernel : .fixed(generator.next())
        board.shotsPerFrame = .random(
            in: 1...min(4096, maximumFrameBytes * 8 / board.lanes), using: &generator)
        board.shotsPerSecond = .random(in: 1...1e9, using: &generator)
        board.array.preset = Bool.random(using: &generator) ? .quarterPeriod : .damped
        board.array.temperatureKelvin = .random(in: 250...400, using: &generator)
        board.array.spread.diameter = .random(in: 0...0.2, using: &generator)
        board.array.spread.anisotropyEnergy = .random(in: 0...0.05, using: &generator)
        board.array.spread.resistanceArea = .random(in: 0...0.15, using: &generator)
        board.array.spread.strayFieldMicrotesla = .random(in: 0...5000, using: &generator)
        board.array.spread.deadDeviceFraction = .random(in: 0...1, using: &generator)
        board.array.drift.deviation = .random(in: 0...0.5, using: &generator)
        board.array.drift.seconds = .random(in: 0.001...1e9, using: &generator)
        board.array.memory.amplitude = .random(in: 0...1e-6, using: &generator)
        board.array.memory.microseconds = .random(in: 0.1...100, using: &generator)
        board.array.readErrorRate = .random(in: 0...1e-6, using: &generator)
        board.array.commonModeAmplitude = .random(in: 0...0.5, using: &generator)
        board.array.device = .random(using: &generator)
        board.xorFold =
            [1, 2, 4].filter { board.lanes.isMultiple(of: 64 * $0) }
            .randomElement(using: &generator) ?? 1
        board.trim.hold = .random(using: &generator)
        board.trim.driftDeviation = .random(in: 1e-6...0.5, using: &generator)
        board.trim.driftSeconds = .random(in: 0.001...1e9, using: &generator)
        if Bool.random(using: &generator) {
            board.operatingPoint.amplitudeMillivolts = .random(in: 0...2000, using: &generator)
            board.operatingPoint.biasFieldMicrotesla = .random(in: 1e4...4e4, using: &generator)
        }
        board.faults = .random(lanes: board.lanes, using: &generator)
        if Bool.random(using: &generator) {
            board.kind = Bool.random(using: &generator) ? .host : .replay
            board.path = "/" + word("ab c:#'\"é&*!{}[]%/-", 0...30, using: &generator)
            board.faults = FaultScript()
        }
        return board
    }
}

extension DeviceSettings {
    /// Near the built-in device, so that there is a barrier between its states.
    fileprivate static func random(using generator: inout SplitMix) -> DeviceSettings {
        var device = DeviceSettings()
        device.diameterNanometres = .random(in: 50...70, using: &generator)
        device.freeLayerNanometres = .random(in: 1.05...1.1, using: &generator)
        device.oxideNanometres = .random(in: 1...2, using: &generator)
        device.anisotropyMillijoulesPerSquareMetre = .random(in: 1.03...1.1, using: &generator)
        device.vcmaFemtojoulesPerVoltMetre = .random(in: 1...1000, using: &generator)
        device.resistanceAreaOhmSquareMicrometres = .random(in: 1...10_000, using: &generator)
        device.tunnelMagnetoresistance = .random(in: 0.05...10, using: &generator)
        device.breakdownMillivolts = .random(in: 2500...5000, using: &generator)
        return device
    }
}

extension FaultScript {
    fileprivate static func random(
        lanes: Int, using generator: inout SplitMix
    ) -> FaultScript {
        let faults: [Fault] = [
            .stuckAt1, .telegraph, .vanish, .temperature(kelvin: 321.5),
        ]
        return FaultScript(
            (0..<Int.random(in: 0...3, using: &generator)).map { _ in
                let fault = faults.randomElement(using: &generator) ?? .stall
                return FaultOrder(
                    fault,
                    lanes: fault.isOfLanes ? [Int.random(in: 0..<lanes, using: &generator)] : [],
                    afterShots: generator.next() >> 1,
                    forShots: Bool.random(using: &generator) ? generator.next() >> 1 | 1 : nil)
            })
    }
}

private func word(
    _ alphabet: String, _ lengths: ClosedRange<Int>, using generator: inout SplitMix
) -> String {
    let letters = Array(alphabet)
    let length = Int.random(in: lengths, using: &generator)
    return String(
        (0..<length).map { _ in letters[.random(in: 0..<letters.count, using: &generator)] })
}

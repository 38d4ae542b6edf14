// SPDX-License-Identifier: Apache-2.0

import DaemonConfiguration
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
        board.array.temperatureKelvin = .random(in: 200...500, using: &generator)
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
        return board
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

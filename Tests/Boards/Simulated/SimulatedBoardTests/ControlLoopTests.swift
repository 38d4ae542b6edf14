// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import DevicePhysics
import LaneHealth
import OperatingPointControl
import SimulatedBoard
import TestSupport
import Testing

/// The trim loop on the simulated array, which drifts and is heated: 512 lanes at a million shots a second,
/// each drifting by 1 % over 100 s, from 300 to 340 K by 12 K a minute.
@Suite(
    "Holding a drifting array: the trim loop on an array that drifts and is heated; the control without it",
    .thorough)
struct ControlLoopTests {
    /// How far the lanes' true probabilities are from ½ at one moment.
    private struct Deviation {
        let rms: Double
        let mean: Double

        init(_ probabilities: some Collection<Double>) {
            let count = Double(probabilities.count)
            rms = (probabilities.reduce(0) { $0 + ($1 - 0.5) * ($1 - 0.5) } / count).squareRoot()
            mean = probabilities.reduce(0) { $0 + $1 } / count - 0.5
        }
    }

    private static let windows = TrimLoop.measurementShots / HealthCutoffs.windowShots
    private static let settled = 5.0
    private static let seconds = 205.0

    private static func makeBoard(seed: UInt64) throws -> SimulatedArrayBoard {
        var settings = SimulatedArraySettings.test(.quarterPeriod)
        settings.drift = OrnsteinUhlenbeck(deviation: 0.01, seconds: 100)
        return try settings.board(
            seed: seed,
            script: FaultScript([FaultOrder(.temperature(kelvin: 340), forShots: 200_000_000)]))
    }

    /// Deviations after the loop has settled, at each measurement; of the lanes that can be trimmed.
    private static func run(holds: Bool, seed: UInt64) throws -> (all: [Deviation], held: Int) {
        let measurement = try ArrayMeasurement(makeBoard(seed: seed))
        let board = measurement.board
        let tuning = try #require(measurement.description.tuning)
        var loop = TrimLoop(
            lanes: 512, limits: tuning.trim, shotsPerSecond: 1e6, settings: TrimSettings())
        var history: [[Double]] = []
        if holds { try board.setTrims(loop.trims) }
        let updates = Int(seconds * 1e6) / TrimLoop.measurementShots
        for update in 0..<updates {
            var tally = OnesTally(words: measurement.description.wordsPerShot)
            try measurement.windows(windows) { tally.add($0.onesPlanes, stride: $0.stride) }
            // Looked at before the trims change: at its worst.
            if Double((update + 1) * TrimLoop.measurementShots) > settled * 1e6 {
                history.append(board.probabilities)
            }
            guard holds else { continue }
            loop.enter(ones: (0..<512).map { tally[$0] })
            try board.setTrims(loop.trims)
        }
        let isHeld = try reachesHalf(board, tuning: tuning)
        let deviations = history.map { probabilities in
            Deviation(zip(probabilities, isHeld).filter(\.1).map(\.0))
        }
        return (deviations, isHeld.count { $0 })
    }

    /// The lanes whose trim reaches from 49 to 51 % ones when they are cold and when they are hot. The crest
    /// of the others' response is below ½.
    private static func reachesHalf(
        _ board: SimulatedArrayBoard, tuning: Tuning
    ) throws -> [Bool] {
        guard case .physical(let devices) = board.devices else { return [] }
        let trims = stride(
            from: Int(tuning.trim.lowerBound), through: Int(tuning.trim.upperBound), by: 250)
        let point = ArrayPreset.quarterPeriod.operatingPoint
        return devices.map { device in
            [300.0, 340].allSatisfy { kelvin in
                let shares = trims.map {
                    device.chain(
                        at: point, trim: Int16($0), temperatureKelvin: kelvin, drift: 0
                    ).switchingProbability
                }
                return shares.contains { $0 < 0.49 } && shares.contains { $0 > 0.51 }
            }
        }
    }

    @Test("the lanes' deviation from ½ stays below 0.1 % RMS, and their mean within 0.02 %")
    func holds() throws {
        let (deviations, held) = try Self.run(holds: true, seed: 70)
        #expect(held >= 487, "95 % of the lanes can be trimmed, with room for drift")
        let rms = (deviations.reduce(0) { $0 + $1.rms * $1.rms } / Double(deviations.count))
            .squareRoot()
        let mean = deviations.map { abs($0.mean) }.max() ?? 1
        #expect(rms <= 0.001)
        #expect(mean <= 0.0002)
    }

    @Test("left alone, the same array leaves both bands")
    func control() throws {
        let (deviations, _) = try Self.run(holds: false, seed: 70)
        #expect(deviations.allSatisfy { $0.rms > 0.001 })
        #expect(deviations.contains { abs($0.mean) > 0.0002 })
    }
}

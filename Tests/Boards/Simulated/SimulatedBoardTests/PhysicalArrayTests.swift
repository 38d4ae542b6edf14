// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import DevicePhysics
import LaneHealth
import SimulatedBoard
import TestMaterials
import TestSupport
import Testing

/// Level 3 of the model, from the shots of a board, against level 2: each of 512 lanes over 2^20 shots,
/// at |z| < 4.5. An exact implementation exceeds that for some lane once in 300 seeds.
@Suite(
    "Shots of physical devices: level 3 against level 2 for every lane, memory, decay of correlations, trims"
)
struct PhysicalArrayTests {
    private static let shots = Double(LaneMonitor.periodWindows * HealthCutoffs.windowShots)

    /// The largest |z| over the lanes of their share of ones.
    private static func worstShare(_ monitor: LaneMonitor, _ shares: [Double]) -> Double {
        shares.enumerated().map { lane, share in
            let deviation = (share * (1 - share) / shots).squareRoot()
            return abs(monitor.ones(lane: lane) - share) / deviation
        }.max() ?? 0
    }

    @Test("each device of a quarter-period array switches as often as its surface says", .thorough)
    func switches() throws {
        let measurement = try ArrayMeasurement(
            SimulatedArraySettings.test(.quarterPeriod).board(seed: 60))
        let shares = measurement.board.chains.map(\.switchingProbability)
        let monitor = try measurement.period()
        #expect(Self.worstShare(monitor, shares) < zLimit)
        // The control: the same shots do not fit an array that is 1 K warmer everywhere.
        var warmer = SimulatedArraySettings.test(.quarterPeriod)
        warmer.temperatureKelvin += 5
        let others = try warmer.board(seed: 60).chains.map(\.switchingProbability)
        #expect(Self.worstShare(monitor, others) > zLimit)
    }

    @Test("each device of a damped array is up, and stays, as often as its two probabilities say", .thorough)
    func states() throws {
        let measurement = try ArrayMeasurement(
            SimulatedArraySettings.test(.damped).board(seed: 61))
        let chains = measurement.board.chains
        let monitor = try measurement.period()
        #expect(Self.worstShare(monitor, chains.map(\.stationaryProbability)) < zLimit)
        let worst = chains.enumerated().map { lane, chain in
            abs(monitor.lagOne(lane: lane) - chain.autocorrelation(lag: 1))
                * Self.shots.squareRoot()
        }
        #expect(try #require(worst.max()) < zLimit)
    }

    @Test("the correlation of states decays as (1 − p01 − p10)^k", .thorough, arguments: 1...4)
    func decay(lag: Int) throws {
        // A pulse that is too short to forget: the state before shows for several shots.
        var settings = SimulatedArraySettings.test(.damped)
        settings.spread = .none
        settings.operatingPoint.pulseWidthPicoseconds = 2_200
        let measurement = try ArrayMeasurement(settings.board(lanes: 512, seed: 62))
        let chain = try #require(measurement.board.chains.first)
        let expected = chain.autocorrelation(lag: lag)
        #expect(abs(chain.autocorrelation(lag: 1)) > 0.05, "there is something to see")
        var (agreeing, pairs) = (0, 0)
        try measurement.windows(128) { window in
            for shot in lag..<HealthCutoffs.windowShots {
                for word in 0..<window.words {
                    let now = window.rows[shot * window.stride + word]
                    let before = window.rows[(shot - lag) * window.stride + word]
                    agreeing += (~(now ^ before)).nonzeroBitCount
                    pairs += 64
                }
            }
        }
        let p = chain.stationaryProbability
        let correlation =
            (Double(agreeing) / Double(pairs) - 1 + 2 * p * (1 - p)) / (2 * p * (1 - p))
        // Neighbouring pairs are correlated themselves, which widens the law by less than a half.
        #expect(abs(correlation - expected) * Double(pairs).squareRoot() < 1.5 * zLimit)
    }

    @Test("memory of microseconds correlates shots by 4a²·(1 − 2q)^k", .thorough, arguments: [1, 2, 4])
    func memory(lag: Int) throws {
        var settings = SimulatedArraySettings.test(.quarterPeriod)
        settings.memory = DeviceMemory(amplitude: 0.05, shots: 3)
        let half = SwitchingChain(p01: 0.5, p10: 0.5)
        let board = try SimulatedArrayBoard(
            name: "test", devices: .fixed(Array(repeating: half, count: 512)), settings: settings,
            shotsPerFrame: HealthCutoffs.windowShots, seed: .fixed(63))
        let measurement = try ArrayMeasurement(board)
        var (agreeing, pairs) = (0, 0)
        try measurement.windows(256) { window in
            for shot in lag..<HealthCutoffs.windowShots {
                for word in 0..<window.words {
                    let now = window.rows[shot * window.stride + word]
                    let before = window.rows[(shot - lag) * window.stride + word]
                    agreeing += (~(now ^ before)).nonzeroBitCount
                    pairs += 64
                }
            }
        }
        let correlation = 2 * Double(agreeing) / Double(pairs) - 1
        let expected = 4 * 0.05 * 0.05 * settings.memory.correlation(lag: lag)
        #expect(abs(correlation - expected) * Double(pairs).squareRoot() < zLimit)
        #expect(abs(correlation) * Double(pairs).squareRoot() > zLimit, "the control: it is seen")
    }

    @Test("a trim moves a lane as the surface says", .thorough)
    func trims() throws {
        let settings = SimulatedArraySettings.test(.quarterPeriod)
        let measurement = try ArrayMeasurement(settings.board(seed: 64))
        let before = measurement.board.probabilities
        let trims = (0..<512).map { Int16($0 % 2 == 0 ? -3000 : 3000) }
        try measurement.board.setTrims(trims)
        let after = measurement.board.probabilities
        #expect(zip(before, after).allSatisfy { $0 != $1 })
        guard case .physical(let devices) = measurement.board.devices else {
            Issue.record("the devices are physical")
            return
        }
        for (lane, device) in devices.enumerated() {
            let chain = device.chain(
                at: settings.operatingPoint, trim: trims[lane], temperatureKelvin: 300, drift: 0)
            #expect(chain.switchingProbability == after[lane])
        }
        #expect(Self.worstShare(try measurement.period(), after) < zLimit)
    }
}

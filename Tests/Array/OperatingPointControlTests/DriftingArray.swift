// SPDX-License-Identifier: Apache-2.0

import Glibc
import OperatingPointControl
import TestSupport

/// An array as the trim loop sees it: lanes with a probability of a one each, which drifts and follows the
/// temperature and the trim, and measurements with shot noise. The lanes are nothing but these numbers.
struct DriftingArray {
    struct Lane {
        /// At 300 K, without trim and drift.
        var ones: Double
        /// Change with a step of trim, at trim 0, and how that changes with a step.
        var slope: Double
        var curvature = 0.0
        var perKelvin: Double
        var drift = 0.0
        /// A constant probability, whatever the trim: a faulty device.
        var fault: Double?
    }

    static let shotsPerSecond = 1e6
    /// Shots of a measurement that are not counted, as they may be of the trims before.
    private static let latencyShots = 2048

    var lanes: [Lane]
    /// In K, at a time in s.
    var temperature: (Double) -> Double = { _ in 300 }
    private(set) var seconds = 0.0
    private var random: SeededGenerator
    private let driftDeviation: Double
    private let driftSeconds = 100.0

    init(lanes: [Lane], driftDeviation: Double = 0.01, seed: UInt64) {
        self.lanes = lanes
        self.driftDeviation = driftDeviation
        random = SeededGenerator(seed)
        for lane in self.lanes.indices { self.lanes[lane].drift = driftDeviation * normal() }
    }

    /// Lanes whose probabilities are spread by ±8 %, with 2.5e-5 a step of trim ± 30 %, and 4e-4 to 8e-4 a
    /// kelvin.
    init(count: Int, seed: UInt64) {
        var random = SeededGenerator(seed)
        let lanes = (0..<count).map { _ in
            Lane(
                ones: 0.5 + .random(in: -0.08...0.08, using: &random),
                slope: 2.5e-5 * .random(in: 0.7...1.3, using: &random),
                perKelvin: .random(in: 4e-4...8e-4, using: &random))
        }
        self.init(lanes: lanes, seed: random.next())
    }

    private func probability(_ lane: Lane, trim: Int16) -> Double {
        let ones =
            lane.ones + lane.drift + (lane.slope + lane.curvature / 2 * Double(trim)) * Double(trim)
            + lane.perKelvin * (temperature(seconds) - 300)
        return lane.fault ?? min(max(ones, 0), 1)
    }

    /// By how much each lane is away from ½ now.
    func deviations(trims: [Int16]) -> [Double] {
        zip(lanes, trims).map { probability($0, trim: $1) - 0.5 }
    }

    /// Lets the time of a measurement pass.
    ///
    /// - Returns: how many of the measurement's shots were one, for each lane.
    mutating func measure(trims: [Int16]) -> [Int] {
        pass(shots: Self.latencyShots)
        let pieces = 4
        let shots = TrimLoop.measurementShots / pieces
        var ones = [Double](repeating: 0, count: lanes.count)
        for _ in 0..<pieces {
            pass(shots: shots)
            for lane in lanes.indices {
                let p = probability(lanes[lane], trim: trims[lane])
                // A binomial of some thousand shots is as good as normal.
                ones[lane] +=
                    Double(shots) * p + (Double(shots) * p * (1 - p)).squareRoot() * normal()
            }
        }
        let all = Double(TrimLoop.measurementShots)
        return ones.map { Int(min(max($0, 0), all).rounded()) }
    }

    /// Ornstein-Uhlenbeck drift of every lane.
    private mutating func pass(shots: Int) {
        let step = Double(shots) / Self.shotsPerSecond
        seconds += step
        let kept = exp(-step / driftSeconds)
        let spread = driftDeviation * (1 - kept * kept).squareRoot()
        for lane in lanes.indices {
            lanes[lane].drift = kept * lanes[lane].drift + spread * normal()
        }
    }

    /// A standard normal number (Box and Muller 1958).
    private mutating func normal() -> Double {
        let radius = (-2 * log(1 - Double.random(in: 0..<1, using: &random))).squareRoot()
        return radius * cos(2 * .pi * Double.random(in: 0..<1, using: &random))
    }
}

/// A trim loop at work on an array.
struct TrimmedArray {
    var array: DriftingArray
    var loop: TrimLoop
    /// Whether the board is given what the loop says.
    var isClosed: Bool
    private(set) var trims: [Int16]

    init(
        _ array: DriftingArray, limits: ClosedRange<Int16> = -12_000...12_000,
        isClosed: Bool = true
    ) {
        self.array = array
        loop = TrimLoop(
            lanes: array.lanes.count, limits: limits, shotsPerSecond: DriftingArray.shotsPerSecond,
            settings: TrimSettings())
        self.isClosed = isClosed
        trims = isClosed ? loop.trims : Array(repeating: 0, count: array.lanes.count)
    }

    /// Measures once and sets the trims that come of it.
    mutating func step() { enter(array.measure(trims: trims)) }

    mutating func enter(_ ones: [Int]) {
        loop.enter(ones: ones)
        if isClosed { trims = loop.trims }
    }

    mutating func run(until seconds: Double) {
        while array.seconds < seconds { step() }
    }

    var deviations: [Double] { array.deviations(trims: trims) }
}

/// How far lanes are from ½.
struct Deviation: CustomStringConvertible {
    let rms: Double
    let mean: Double

    init(_ deviations: [Double]) {
        let count = Double(deviations.count)
        rms = (deviations.reduce(0) { $0 + $1 * $1 } / count).squareRoot()
        mean = deviations.reduce(0, +) / count
    }

    var description: String { "RMS \(rms), mean \(mean)" }
}

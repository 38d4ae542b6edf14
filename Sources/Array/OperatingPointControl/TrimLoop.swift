// SPDX-License-Identifier: Apache-2.0

/// Holds every lane at 50 % ones by its trim, knowing nothing of the board but its measurements.
///
/// First it learns: it measures the lanes at trims all over the range, takes each to where it crosses ½,
/// and comes nearer by a few rounds of Newton's method. Nothing is taken for granted about the response of
/// a lane: it may rise or fall, or do both. Then it holds: each measurement goes through a Kalman filter for
/// each lane, beside a faster one for what the lanes have in common. The steady-state error of a filter for
/// a drift of variance q a second and shot noise r (¼ over the shots in a second) is √(q·r) in variance; see
/// docs/stochastic-model.md.
///
/// A value without effects: measurements in, trims out.
package struct TrimLoop: Sendable {
    package enum State: Sendable, Equatable {
        /// The number of measurements until the lanes are held.
        case learning(rounds: Int)
        case holding
    }

    /// How many shots a measurement takes. A shorter one would leave little time between the changes of
    /// the trims; during a longer one, drift and ramps would move the lanes as far as shot noise does.
    package static let measurementShots = 1 << 15
    /// How many measurements learning takes.
    package static let learningRounds = scanPoints + newtonRounds
    private static let scanPoints = 9
    private static let newtonRounds = 3

    package private(set) var state = State.learning(rounds: learningRounds)
    private var lanes: [LaneTrim]
    private var common = CommonTrim()
    private let limits: ClosedRange<Double>
    private let driftPerMeasurement: Double

    /// Variance of a measured share of ones near ½.
    private static let noise = 0.25 / Double(measurementShots)

    /// - Parameters:
    ///   - limits: of a trim, with 0 inside.
    ///   - shotsPerSecond: how fast the board pulses; more than 0.
    package init(
        lanes: Int, limits: ClosedRange<Int16>, shotsPerSecond: Double, settings: TrimSettings
    ) {
        precondition(lanes > 0 && limits.contains(0) && shotsPerSecond > 0)
        self.lanes = Array(repeating: LaneTrim(), count: lanes)
        self.limits = Double(limits.lowerBound)...Double(limits.upperBound)
        driftPerMeasurement =
            settings.variancePerSecond * Double(Self.measurementShots) / shotsPerSecond
        goToScanPoint(0)
    }

    /// The trims to set.
    package var trims: [Int16] { lanes.map { Int16($0.trim.rounded()) } }

    /// The lanes that are not at ½ although they were learned: no trim takes them there.
    package var untrimmable: Int { state == .holding ? lanes.count { $0.isAway(limits) } : 0 }

    /// Enters a measurement made with the previous `trims`.
    ///
    /// - Parameter ones: how many of `measurementShots` bits of each lane were one.
    package mutating func enter(ones: [Int]) {
        precondition(ones.count == lanes.count)
        let shares = ones.map { Double($0) / Double(Self.measurementShots) }
        switch state {
        case .learning(let rounds) where rounds > Self.newtonRounds:
            scan(shares, point: Self.learningRounds - rounds)
            state = .learning(rounds: rounds - 1)
        case .learning(let rounds):
            for lane in lanes.indices {
                lanes[lane].refine(shares[lane], noise: Self.noise, limits: limits)
            }
            state = rounds == 1 ? .holding : .learning(rounds: rounds - 1)
        case .holding:
            hold(shares)
        }
    }

    private mutating func goToScanPoint(_ point: Int) {
        let part = Double(point) / Double(Self.scanPoints - 1)
        let trim = limits.lowerBound + part * (limits.upperBound - limits.lowerBound)
        for lane in lanes.indices { lanes[lane].trim = trim.rounded() }
    }

    private mutating func scan(_ shares: [Double], point: Int) {
        for lane in lanes.indices { lanes[lane].scanned(shares[lane]) }
        if point + 1 < Self.scanPoints { return goToScanPoint(point + 1) }
        for lane in lanes.indices { lanes[lane].endScan(noise: Self.noise) }
        // Where most lanes do not answer, trims do nothing on this board.
        let slopes = lanes.compactMap(\.crossingSlope)
        guard 2 * lanes.count(where: \.answers) > lanes.count, !slopes.isEmpty else { return }
        let mean = slopes.reduce(0, +) / Double(slopes.count)
        for lane in lanes.indices where !lanes[lane].answers { lanes[lane].assume(slope: mean) }
    }

    private mutating func hold(_ shares: [Double]) {
        for lane in lanes.indices { lanes[lane].measure(shares[lane]) }
        let isSteady = lanes.map { $0.isSteady(noise: Self.noise, limits: limits) }
        let mean = meanDeviation(shares, of: isSteady)
        let shared = common.filter(deviation: mean)
        for lane in lanes.indices where lanes[lane].isTrimmable {
            guard lanes[lane].isWithinReach else {
                lanes[lane].wait()
                continue
            }
            let own = lanes[lane].filter(
                deviation: shares[lane] - 0.5 - mean, noise: Self.noise, drift: driftPerMeasurement)
            lanes[lane].move(by: -(own + shared), limits: limits)
            if isSteady[lane] { lanes[lane].settle() }
        }
    }

    /// The mean of the lanes that are held, less ½. What jumps, or is kept from ½ by a limit, has no part
    /// in it, so that it takes the others nowhere.
    private func meanDeviation(_ shares: [Double], of isSteady: [Bool]) -> Double {
        let steady = shares.indices.filter { isSteady[$0] }
        let sum = steady.reduce(0) { $0 + shares[$1] - 0.5 }
        return sum / Double(max(steady.count, 1))
    }
}

// SPDX-License-Identifier: Apache-2.0

/// How one lane is held at 50 % ones.
package enum TrimmedLaneState: Sendable, Equatable {
    case held
    /// It was lost, or not found yet: its trim is moved over the range.
    case searching
    /// By the last search, no trim takes it to ½.
    case untrimmable
}

/// Holds every lane at 50 % ones by its trim, knowing nothing of the board but its measurements.
///
/// First it learns: every lane is searched for over the whole range of trims, and taken to where it crosses ½
/// (`LaneSearch`). Nothing is taken for granted about the response of a lane: it may rise or fall, or do both.
/// Then it holds: each measurement goes through a Kalman filter for each lane, beside a faster one for what the
/// lanes have in common. The steady-state error of a filter for a drift of variance q a second and shot noise r
/// (¼ over the shots in a second) is √(q·r) in variance; see docs/stochastic-model.md. A lane that is lost, as
/// after a step of the temperature, is searched for again.
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
    /// How many measurements learning takes. The search for a lane may take longer, and goes on then.
    package static let learningRounds = LaneSearch.scanPoints + 3

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
        for lane in self.lanes.indices { self.lanes[lane].beginSearch(self.limits) }
    }

    /// The trims to set.
    package var trims: [Int16] { lanes.map { Int16($0.trim.rounded()) } }

    /// How each lane is held; `searching` for all of them while they are learned.
    package var laneStates: [TrimmedLaneState] {
        state == .holding ? lanes.map(\.state) : Array(repeating: .searching, count: lanes.count)
    }

    /// The number of lanes that no trim takes to ½.
    package var untrimmable: Int { laneStates.count { $0 == .untrimmable } }

    /// The number of lanes whose trims are being searched for.
    package var searching: Int { laneStates.count { $0 == .searching } }

    /// Whether the trims of any lane are moved over their range for now, to look for ½.
    package var isSearching: Bool { lanes.contains { $0.isSearching } }

    /// Enters a measurement made with the previous `trims`.
    ///
    /// - Parameters:
    ///   - ones: how many of `measurementShots` bits of each lane were one.
    ///   - isMeasured: whether a lane was in the stream for the whole measurement. The trim of one that was not stays
    ///     as it is.
    package mutating func enter(ones: [Int], isMeasured: (Int) -> Bool = { _ in true }) {
        precondition(ones.count == lanes.count)
        let shares = ones.map { Double($0) / Double(Self.measurementShots) }
        let isLearning = state != .holding
        let mean = meanDeviation(shares, isMeasured)
        let shared = common.filter(deviation: mean)
        for lane in lanes.indices where isMeasured(lane) {
            if lanes[lane].isSearching {
                lanes[lane].enterSearch(
                    shares[lane], noise: Self.noise, limits: limits, isLearning: isLearning)
            } else {
                lanes[lane].hold(
                    shares[lane], mean: mean, shared: shared, noise: Self.noise, drift: driftPerMeasurement,
                    limits: limits)
            }
        }
        if case .learning(let rounds) = state {
            state = rounds == 1 ? .holding : .learning(rounds: rounds - 1)
        }
    }

    /// The mean of the lanes that are held, less ½. What jumps, or is kept from ½ by a limit, has no part
    /// in it, so that it takes the others nowhere.
    private func meanDeviation(_ shares: [Double], _ isMeasured: (Int) -> Bool) -> Double {
        let steady = shares.indices.filter {
            isMeasured($0) && lanes[$0].isSteady(shares[$0], noise: Self.noise, limits: limits)
        }
        let sum = steady.reduce(0) { $0 + shares[$1] - 0.5 }
        return sum / Double(max(steady.count, 1))
    }
}

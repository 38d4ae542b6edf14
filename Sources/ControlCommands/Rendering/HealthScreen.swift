// SPDX-License-Identifier: Apache-2.0

package import ControlInterface

private let worstLaneCount = 8
private let newestAlarmCount = 5

/// The lanes of a board: a picture, what the tests allow, the worst lanes and the newest alarms.
package func healthScreen(_ health: BoardHealth, palette: Palette, now: Double) -> String {
    let counts = health.laneCounts
    return banner([(health.name, health.provenance)])
        + """
        \(printable(health.name)): \(counts.givingBits)/\(health.lanes.count) lanes give bits: \
        \(counts.summary)
        \(grouped(health.windows)) windows of \(grouped(health.windowShots)) shots judged, \
        health epoch \(health.healthEpoch)

        \(HeatMap(health.lanes, palette: palette).text)
        \(cutoffTable(health))
        \(laneTable(health.lanes))
        \(alarmList(health.alarms, now: now))
        """
}

private func cutoffTable(_ health: BoardHealth) -> String {
    let cutoffs = health.cutoffs
    let claim = decimal(health.claimedEntropyPerBit, places: 3)
    return table(
        [
            ["Cut-offs for \(claim) bit per bit", "warning", "failure"],
            [
                "repetition count", grouped(cutoffs.repetitionCountWarning),
                grouped(cutoffs.repetitionCountFailure),
            ],
            [
                "adaptive proportion of \(grouped(health.windowShots))",
                grouped(cutoffs.adaptiveProportionWarning),
                grouped(cutoffs.adaptiveProportionFailure),
            ],
        ], [.left, .right, .right])
}

private func laneTable(_ lanes: [LaneReport]) -> String {
    let header = ["Worst lanes", "state", "p(1)", "repetition alarms", "proportion alarms"]
    let rows = worstLanes(lanes, count: worstLaneCount).map { lane in
        [
            "\(lane.lane)", lane.state.rawValue, decimal(lane.p, places: 4),
            grouped(lane.repetitionCountAlarms), grouped(lane.adaptiveProportionAlarms),
        ]
    }
    return table([header] + rows, [.right, .left, .right, .right, .right])
}

private func alarmList(_ alarms: [AlarmReport], now: Double) -> String {
    guard !alarms.isEmpty else { return "No alarms\n" }
    let newest = alarms.sorted { $0.time > $1.time }.prefix(newestAlarmCount)
    return "Newest alarms (a source of just the claimed entropy warns once in 2^20 samples)\n"
        + newest.map { "  \(alarmText($0, now: now))\n" }.joined()
}

/// The lanes that most need looking at: failed, then warned, then those with most alarms, then those
/// whose ones are farthest from half.
package func worstLanes(_ lanes: [LaneReport], count: Int) -> [LaneReport] {
    func badness(_ lane: LaneReport) -> (Int, Int, Double, Int) {
        let rank =
            switch lane.state {
            case .failed: 2
            case .warned: 1
            case .good, .starting: 0
            }
        // Of a lane that is starting, p says nothing yet.
        let deviation = lane.state == .starting ? 0 : abs(lane.p - 0.5)
        let alarms = sum(lane.repetitionCountAlarms, lane.adaptiveProportionAlarms)
        return (rank, alarms, deviation, ~lane.lane)
    }
    return Array(lanes.sorted { badness($0) > badness($1) }.prefix(count))
}

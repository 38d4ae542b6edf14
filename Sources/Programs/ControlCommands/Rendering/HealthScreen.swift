// SPDX-License-Identifier: Apache-2.0

import BoardInterface
package import ControlInterface
import EntropyTerms

private let worstLaneCount = 8
private let newestAlarmCount = 5

/// The health of a board, and the quantity that its map shows.
package struct HealthReport: Report {
    package let health: BoardHealth
    package let map: LaneQuantity

    package init(_ health: BoardHealth, map: LaneQuantity = .p) {
        self.health = health
        self.map = map
    }

    package static var isFolded: Bool { true }

    package func encode(to encoder: any Encoder) throws { try health.encode(to: encoder) }

    package func text(palette: Palette, now: Double) -> String { text(palette: palette, now: now, columns: nil) }

    package func text(palette: Palette, now: Double, columns: Int?) -> String {
        healthScreen(health, map: map, palette: palette, now: now, columns: columns)
    }
}

/// The lanes of a board: a map, the cut-offs of the tests, the worst lanes and the newest alarms.
private func healthScreen(
    _ health: BoardHealth, map: LaneQuantity, palette: Palette, now: Double, columns: Int?
) -> String {
    let counts = health.laneCounts
    let isModel = areOfModel(health.provenance, recordedFrom: health.recordedFrom)
    return banner([(health.name, health.provenance)], models: isModel ? [health.name] : [])
        + """
        \(printable(health.name)): \(givingText(health)): \(counts.summary)
        \(grouped(health.windows)) windows of \(grouped(health.windowShots)) shots judged, \
        health epoch \(health.healthEpoch)
        \(arrayLines(health))

        \(HeatMap(health.lanes, of: map, palette: palette, columns: columns).text)
        \(cutoffTable(health))
        \(laneTable(health, columns: columns))
        \(alarmList(health.alarms, now: now))
        """
}

/// How many lanes give bits: none while the board gives none.
private func givingText(_ health: BoardHealth) -> String {
    health.state.isGivingBits
        ? "\(health.laneCounts.givingBits)/\(health.lanes.count) lanes give bits"
        : "\(health.state.rawValue), none of \(health.lanes.count) lanes gives bits now; earlier"
}

/// The statistics of all lanes together.
private func arrayLines(_ health: BoardHealth) -> String {
    let correlation =
        health.crossLaneCorrelation.map { decimal($0, places: 6) } ?? "not known yet"
    return """
        cross-lane test: \(health.crossLaneState.rawValue), mean pairwise correlation \(correlation)
        \(trimLine(health))
        \(entropyLines(health))
        lane statistics: over \(grouped(health.monitoredShots)) shots
        """
}

/// What is claimed of a bit, and what the predictors found in the lanes.
private func entropyLines(_ health: BoardHealth) -> String {
    let claim = health.claimedEntropyPerBit
    let measured = health.lanes.compactMap { lane in lane.measuredEntropyPerBit.map { (lane, $0) } }
    let giving = measured.filter { $0.0.state == .good || $0.0.state == .warned }
    let isModel = areOfModel(health.provenance, recordedFrom: health.recordedFrom)
    let found =
        giving.min { $0.1 < $1.1 }.map { lane, entropy in
            "\(decimal(entropy, places: 3)) or more measured in the lanes that give bits (least: lane \(lane.lane))"
                + (isModel ? ", of the model" : "")
        }
        ?? "not measured yet in lanes that give bits"
    let poor = measured.filter { $0.1 < claim }.sorted { $0.1 < $1.1 }.map(\.0)
    let named = poor.prefix(poorLaneCount).map(poorLaneText).joined(separator: ", ")
    let more = poor.count > poorLaneCount ? " and \(poor.count - poorLaneCount) more" : ""
    return "entropy per bit: \(decimal(claim, places: 3)) claimed, \(found)"
        + (poor.isEmpty ? "" : "\nless than claimed: \(named)\(more)")
}

/// The most lanes that are named whose bits are told too often.
private let poorLaneCount = 4

private func poorLaneText(_ lane: LaneReport) -> String {
    let entropy = decimal(lane.measuredEntropyPerBit ?? 0, places: 3)
    let predictor =
        switch lane.bestPredictor {
        case nil: ""
        case .constant: " by a constant"
        case .previousShot: " by the shot before"
        case .earlierShot: " by an earlier shot"
        case .otherLane: " by another lane"
        }
    return "lane \(lane.lane) (\(entropy)\(predictor))"
}

/// The most lanes that are named.
private let namedLaneCount = 16

/// What holds the lanes at 50 % ones, and which lanes no trim takes there.
private func trimLine(_ health: BoardHealth) -> String {
    let limits = health.trimLimits.map { " (from \(grouped($0.lower)) to \(grouped($0.upper)) steps)" } ?? ""
    let untrimmable = health.lanes.filter { $0.trimState == .untrimmable }.map(\.lane)
    let searching = health.lanes.count { $0.trimState == .searching }
    let named = LaneList.text(Array(untrimmable.prefix(namedLaneCount)))
    let more = untrimmable.count > namedLaneCount ? " and \(untrimmable.count - namedLaneCount) more" : ""
    return "trims: \(health.trimState.rawValue)\(limits),"
        + " untrimmable lanes: \(grouped(health.untrimmableLanes))"
        + (untrimmable.isEmpty ? "" : " (\(named)\(more))")
        + (searching == 0 ? "" : ", being searched for: \(searching)")
}

private func cutoffTable(_ health: BoardHealth) -> String {
    let claim = decimal(health.claimedEntropyPerBit, places: 3)
    let rows = health.cutoffs.map { cutoff in
        [
            "\(printable(cutoff.test)) (\(initials(cutoff.test)))", cutoffText(cutoff.warning),
            cutoffText(cutoff.failure),
        ]
    }
    return table(
        [["Cut-offs for \(claim) bit per bit", "warning", "failure"]] + rows, [.left, .right, .right])
}

/// A number of samples, or a ratio.
private func cutoffText(_ cutoff: Double) -> String {
    Int(exactly: cutoff).map(grouped) ?? decimal(cutoff, places: 3)
}

/// The first letters of the words of a test's name: RC for repetitionCount.
private func initials(_ test: String) -> String {
    printable(test.prefix(1).uppercased() + test.dropFirst().filter(\.isUppercase))
}

/// The worst lanes, a line each; where that is too wide, the alarms of a lane are in a line of their own.
private func laneTable(_ health: BoardHealth, columns: Int?) -> String {
    let header = ["Worst lanes", "state", "p(1)", "lag 1", "entropy", "trim", "resistance"]
    let alignments = header.indices.map { $0 == 1 ? Alignment.left : .right }
    // Before the first window, p and the correlation are those of no shots.
    let isMeasured = health.monitoredShots > 0
    let lanes = worstLanes(health.lanes, count: worstLaneCount)
    let rows = lanes.map { lane in
        [
            "\(lane.lane)", lane.state.rawValue, isMeasured ? decimal(lane.p, places: 4) : "-",
            isMeasured ? decimal(lane.lagOne, places: 4) : "-",
            lane.measuredEntropyPerBit.map { decimal($0, places: 3) } ?? "-", "\(lane.trim)",
            lane.resistanceOhms.map { quantity($0, "Ω") } ?? "unknown",
        ]
    }
    let alarms = lanes.map { alarmCounts($0) ?? "none" }
    let wide = table(
        [header + ["alarms"]] + zip(rows, alarms).map { $0 + [$1] }, alignments + [.right])
    if fits(wide, columns: columns) { return wide }
    let lines = table([["Worst"] + header.dropFirst()] + rows, alignments).split(separator: "\n")
    let narrow = zip(lines.dropFirst(), lanes).map { line, lane in
        let alarms = alarmCounts(lane).map { "  alarms of lane \(lane.lane): \($0)\n" }
        return "\(line)\n\(alarms ?? "")"
    }
    return "\(lines[0])\n\(narrow.joined())"
}

/// How often each test decided about a lane; nil when none did.
private func alarmCounts(_ lane: LaneReport) -> String? {
    guard !lane.alarms.isEmpty else { return nil }
    return lane.alarms.map { "\(grouped($0.count)) \(initials($0.test))" }.joined(separator: ", ")
}

private func alarmList(_ alarms: [AlarmReport], now: Double) -> String {
    guard !alarms.isEmpty else { return "No alarms\n" }
    let newest = alarms.sorted { $0.time > $1.time }.prefix(newestAlarmCount)
    return "Newest alarms (a source with exactly the claimed entropy warns once in 2^20 samples)\n"
        + newest.map { "  \(alarmText($0, now: now))\n" }.joined()
}

/// The lanes that most need attention: failed, then warned, then those with most alarms, then those
/// whose share of ones is farthest from 50 %.
package func worstLanes(_ lanes: [LaneReport], count: Int) -> [LaneReport] {
    func badness(_ lane: LaneReport) -> (Int, Int, Double, Int) {
        let rank =
            switch lane.state {
            case .failed: 2
            case .warned: 1
            case .good, .starting, .leased: 0
            }
        // The p of a starting lane means nothing yet, and a leased lane is not in the stream.
        let deviation = lane.state == .starting || lane.state == .leased ? 0 : abs(lane.p - 0.5)
        let alarms = lane.alarms.map(\.count).reduce(0, sum)
        return (rank, alarms, deviation, ~lane.lane)
    }
    return Array(lanes.sorted { badness($0) > badness($1) }.prefix(count))
}

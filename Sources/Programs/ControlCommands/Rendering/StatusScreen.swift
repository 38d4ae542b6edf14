// SPDX-License-Identifier: Apache-2.0

package import ControlInterface
import EntropyTerms

/// One screen about the daemon and its boards, after the fashion of `systemctl status`.
extension StatusReport: Report {
    package static var isFolded: Bool { true }
    package func text(palette: Palette, now: Double) -> String {
        statusScreen(self, palette: palette, now: now)
    }
}

private func statusScreen(_ status: StatusReport, palette: Palette, now: Double) -> String {
    let boards = status.boards.map { boardSection($0, palette: palette, now: now) }
    let none = palette.paint("There is no board.", .red) + "\n"
    let models = status.boards.filter { areOfModel($0.provenance, recordedFrom: $0.recordedFrom) }.map(\.name)
    return banner(status.boards.map { ($0.name, $0.provenance) }, models: Set(models))
        + (boards.isEmpty ? none : boards.joined(separator: "\n"))
        + "\n" + serviceLines(status.service, now: now)
}

private func boardSection(_ board: BoardStatus, palette: Palette, now: Double) -> String {
    let (mark, color) = mark(board.state)
    // A board that was never there has only its kind.
    let identity =
        [printable(board.kind)]
        + [("serial", board.serial), ("firmware", board.firmware), ("at", board.path)]
        .filter { !$0.1.isEmpty }.map { "\($0) \(printable($1))" }
    let heading =
        "\(palette.paint(mark, color)) \(printable(board.name)) — \(identity.joined(separator: ", "))"
    let facts =
        stateFacts(board, palette: palette, color: color, now: now) + flowFacts(board)
        + board.rings.map(ringFact) + alarmFacts(board, now: now)
    let lines = facts.map { "\(padded($0.name, to: factNameWidth, .right)): \($0.text)\n" }
    return heading + "\n" + lines.joined()
}

/// How many failures are shown; mectl health has more.
private let shownFailures = 3

private typealias Fact = (name: String, text: String)

private func mark(_ state: BoardState) -> (String, Palette.Color) {
    switch state {
    case .serving, .idle: ("●", .green)
    case .tuning, .starting, .calibrating, .leased, .recording, .waiting: ("○", .yellow)
    case .unhealthy, .failed, .ended: ("×", .red)
    }
}

private func stateFacts(
    _ board: BoardStatus, palette: Palette, color: Palette.Color, now: Double
) -> [Fact] {
    let since = "since \(moment(board.stateSince)); \(duration(now - board.stateSince)) ago"
    let causes: [Fact?] = [
        board.cause.map { ("Cause", printable($0)) },
        board.remedy.map { ("Remedy", printable($0)) },
    ]
    let note = stateNote(board).map { " (\($0))" } ?? ""
    return [("State", "\(palette.paint(board.state.rawValue, color))\(note) \(since)")]
        + causes.compactMap { $0 } + [("Lanes", lanesText(board))] + leaseFacts(board, now: now)
}

private func lanesText(_ board: BoardStatus) -> String {
    if board.lanes == 0 { return "unknown until the board is opened" }
    let counts = board.laneCounts
    switch board.state {
    case .failed, .ended:
        return "none of \(board.lanes) gives bits now; earlier: \(counts.summary)"
    case .calibrating, .tuning, .leased:
        return "none of \(board.lanes) gives bits meanwhile (at least \(board.minimumGoodLanes) needed);"
            + " earlier: \(counts.summary)"
    case .waiting:
        return "none of \(board.lanes) gives bits meanwhile; earlier: \(counts.summary)"
    case .starting, .serving, .idle, .unhealthy, .recording:
        return "\(counts.givingBits)/\(board.lanes) give bits (at least \(board.minimumGoodLanes)):"
            + " \(counts.summary)"
            + (board.untrimmableLanes == 0 ? "" : "; \(board.untrimmableLanes) untrimmable (see mectl health)")
    }
}

/// Who has lanes for itself.
private func leaseFacts(_ board: BoardStatus, now: Double) -> [Fact] {
    board.leases.enumerated().map { index, lease in
        let user = lease.user ?? "user \(lease.userId)"
        return (
            index == 0 ? "Leased" : "and",
            "\(grouped(lease.lanes)) lanes to process \(lease.processId) (\(printable(user))) for"
                + " \(duration(now - lease.since)), \(duration(lease.secondsLeft)) left"
        )
    }
}

private func stateNote(_ board: BoardStatus) -> String? {
    switch board.state {
    case .idle: "the rings are full"
    case .tuning: "learning the trims of the lanes"
    case .calibrating: "measuring operating points; nothing is served"
    case .leased: "nothing new is served until the lease ends"
    case .recording: "recorded bits are not served"
    case .waiting:
        board.rings.contains { $0.availableBytes > 0 } ? "what is in the rings is served" : "nothing is served"
    case .starting, .serving, .unhealthy, .failed, .ended: nil
    }
}

private func flowFacts(_ board: BoardStatus) -> [Fact] {
    // What a model says of itself was not measured, and is not to look so.
    let isModel = areOfModel(board.provenance, recordedFrom: board.recordedFrom)
    return [
        (
            "Rate",
            "\(quantity(board.shotsPerSecond, "shots/s")),"
                + " \(quantity(board.rawBytesPerSecond, "B/s")) before conditioning"
        ),
        (
            "Frames",
            "\(grouped(board.framesAccepted)) good, \(grouped(board.framesRejected)) rejected,"
                + " \(grouped(board.shotsDropped)) shots dropped"
                + (board.windowsDropped == 0
                    ? "" : ", \(grouped(board.windowsDropped)) windows found the rings full during an operation")
        ),
        (
            "Credited",
            "\(quantity(Double(board.creditedBits), "bit")) at"
                + " \(decimal(board.claimedEntropyPerBit, places: 3)) per raw bit"
                + (board.xorFold > 1 ? " of a lane, \(board.xorFold) lanes folded into one" : "")
                + (isModel ? " (nominal: simulated bits have none)" : "")
        ),
        ("Measured", measuredText(board, note: isModel ? " (of the model)" : "")),
        ("Newest bit", board.newestBitAge.map { "\(age($0)) old" } ?? "none yet"),
    ] + deviceFacts(board, note: isModel ? " (of the model)" : "")
}

/// What the predictors found in the lanes that give bits. That they find no less does not prove that there is as much.
private func measuredText(_ board: BoardStatus, note: String) -> String {
    guard let lowest = board.lowestLaneEntropyPerBit else { return "not enough shots yet" }
    return "\(decimal(lowest, places: 3)) per raw bit or more in every lane that gives bits\(note)"
}

/// What is known of the devices: nothing before the board was opened, or where there are none.
private func deviceFacts(_ board: BoardStatus, note: String) -> [Fact] {
    let sweep = board.state == .calibrating ? " before and after the sweep" : ""
    let facts: [Fact?] = [
        board.temperatureCelsius.map { ("Temperature", "\(decimal($0, places: 1)) °C\(note)") },
        board.operatingPoint.map { ("Pulses", pulses($0) + note + sweep) },
        board.encoding.map { ("Encoding", printable($0)) },
    ]
    return facts.compactMap { $0 }
}

/// Seconds to three digits below a minute, to two units above.
private func age(_ seconds: Double) -> String {
    seconds < 60 ? quantity(seconds, "s") : duration(seconds)
}

private func ringFact(_ ring: RingStatus) -> Fact {
    let share = Double(ring.availableBytes) / Double(max(1, ring.capacityBytes)) * 100
    return (
        "Grade \(printable(ring.grade))",
        "ring filled to \(decimal(share, places: 0)) % of \(memorySize(ring.capacityBytes));"
            + " delivered \(quantity(Double(ring.deliveredBytes), "B")),"
            + " now \(quantity(ring.deliveredBytesPerSecond, "B/s"))"
    )
}

private func alarmFacts(_ board: BoardStatus, now: Double) -> [Fact] {
    let failures = board.lastFailures.prefix(shownFailures).enumerated().map { index, alarm in
        Fact(name: index == 0 ? "Last alarm" : "earlier", text: alarmText(alarm, now: now))
    }
    let warning = board.lastWarning.map { "\(alarmText($0, now: now)) (healthy lanes warn too)" }
    // The lanes of earlier failures are back; without a word on that, the two lines contradict each other.
    let isOver = !failures.isEmpty && board.laneCounts.failed == 0 && board.cause == nil
    let over = isOver ? [Fact(name: "now", text: "no lane is failed any more")] : []
    return (failures.isEmpty ? [("Last alarm", "none")] : failures + over)
        + [("Last warning", warning ?? "none")]
}

func alarmText(_ alarm: AlarmReport, now: Double) -> String {
    "\(printable(alarm.test)) \(alarm.severity.rawValue) on"
        + " \(alarm.lane.map { "lane \($0)" } ?? "the whole array")"
        + (alarm.measuredEntropyPerBit.map { " (\(decimal($0, places: 3)) bit per bit measured)" } ?? "") + ","
        + " \(moment(alarm.time)); \(duration(now - alarm.time)) ago"
}

private func serviceLines(_ service: ServiceStatus, now: Double) -> String {
    let memory = service.lockedMemory ? "memory locked" : "MEMORY NOT LOCKED: bits can reach swap"
    return """
        metrngd \(printable(service.version)), process \(service.processId), \
        up \(duration(now - service.startTime)), \(memory)
        clients \(service.clients)/\(service.maximumClients) at \
        \(printable(service.entropySocket)), \(grouped(service.clientsRefused)) refused
        \(clientTable(service))\(kernelLine(service.kernel, now: now))\
        \(pendingLine(service.pendingChanges))

        """
}

private func pendingLine(_ keys: [String]) -> String {
    guard !keys.isEmpty else { return "" }
    return "\nconfiguration changed: a restart is needed for"
        + " \(keys.map(printable).joined(separator: ", ")) (systemctl restart metrngd)"
}

extension LaneCounts {
    var givingBits: Int { sum(good, warned) }

    var summary: String {
        "\(good) good, \(warned) warned, \(starting) starting, \(failed) failed"
            + (leased == 0 ? "" : ", \(leased) leased")
    }
}

// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BoardInterface
import BoardOperations
import BoardProtocol
import ControlInterface

struct InjectVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "inject",
        abstract: "Inject faults into a simulated board.",
        discussion: """
            Faults of single lanes: \(faultNames(ofLanes: true)).
            Other faults: \(faultNames(ofLanes: false)).
            A temperature (\(limits(Fault.temperatures)) K) is reached over the duration of --for, and stays.
            The fault none ends all others.
            """)

    @Argument(help: "The fault, or none.")
    var fault: String

    @Option(
        help: ArgumentHelp("Lanes, for a fault of single lanes, as in 3,7-9.", valueName: "list"),
        transform: laneList)
    var lanes: [Int]?

    @Option(
        parsing: .unconditional, help: ArgumentHelp("Shots until it begins (default: at once).", valueName: "shots")
    )
    var after: Int?

    @Option(
        name: .customLong("for"),
        parsing: .unconditional,
        help: ArgumentHelp(
            "Shots that it lasts (default: until inject none; for a temperature: at once).",
            valueName: "shots"))
    var duration: Int?

    @Option(help: "A board, by name or serial. Not needed when there is only one.")
    var board: String?

    @OptionGroup var options: ReadingOptions

    func validate() throws {
        if let after, after < 0 { throw ValidationError("--after takes a number from 0") }
        if let duration, duration < 1 { throw ValidationError("--for takes a number from 1") }
        if fault == InjectFault.none {
            guard lanes == nil, after == nil, duration == nil else {
                throw ValidationError(
                    "none ends all faults at once: it takes no lanes and no shots")
            }
            return
        }
        guard let known = Fault(fault) else {
            throw ValidationError(unknownFault(fault))
        }
        // How many lanes the board has, only the daemon knows.
        let order = FaultOrder(known, lanes: lanes ?? [])
        if let defect = order.defect(lanes: BoardDescription.laneLimits.upperBound) {
            throw ValidationError("\(defect) (--lanes)")
        }
    }

    func perform(on console: Console) throws(Failure) -> MectlExit {
        let operation = InjectFault(
            fault: fault, lanes: lanes, afterShots: after, forShots: duration)
        let report = try options.ask(console) { (client) throws(ControlClientError) in
            let board = try client.resolveBoard(board)
            _ = try client.perform(operation, on: board.name)
            return FaultReport(name: board.name, operation)
        }
        try options.show(report, on: console)
        return .success
    }
}

/// What is wrong with the text of a fault that there is not.
private func unknownFault(_ text: String) -> String {
    let name = text.prefix { $0 != "=" }
    if name == "temperature" {
        return "temperature takes a number \(limits(Fault.temperatures)) in K, as in temperature=340,"
            + " not \(printable(text))"
    }
    if Fault(name) != nil { return "\(name) takes no value" }
    return "there is no fault \(printable(text)): \(Fault.names.joined(separator: ", "))"
}

private func faultNames(ofLanes: Bool) -> String {
    Fault.names.filter { (Fault($0)?.isOfLanes ?? false) == ofLanes }.joined(separator: ", ")
}

@Sendable private func laneList(_ argument: String) throws -> [Int] {
    guard let lanes = LaneList.parse(argument) else {
        throw ValidationError("--lanes takes lanes such as 3,7-9, not \(printable(argument))")
    }
    return lanes
}

/// A fault of a board, present or pending.
struct FaultReport: Report {
    var name: String
    /// `none` when all faults were ended.
    var fault: String
    var lanes: [Int]
    var afterShots: Int
    @Nullable package var forShots: Int?

    init(name: String, _ operation: InjectFault) {
        self.name = name
        fault = operation.fault
        lanes = operation.lanes ?? []
        afterShots = operation.afterShots ?? 0
        forShots = operation.forShots
    }
}

extension FaultReport {
    func text(palette: Palette, now: Double) -> String {
        let board = printable(name)
        guard fault != InjectFault.none else { return "\(board): all faults ended\n" }
        let lanes = lanes.isEmpty ? "" : " on lanes \(LaneList.text(lanes))"
        let beginning = afterShots == 0 ? "from now" : "after \(grouped(afterShots)) shots"
        return "\(board): \(printable(fault))\(lanes), \(beginning), \(duration)\n"
    }

    /// The duration in words. A temperature moves over it, and then stays.
    private var duration: String {
        let staysThere = fault.hasPrefix("temperature")
        guard let forShots else { return staysThere ? "at once" : "until mectl inject none" }
        return "\(staysThere ? "in" : "for") \(grouped(forShots)) shots"
    }
}

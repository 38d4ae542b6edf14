// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BoardOperations
import BoardProtocol
import ControlInterface
import EntropyTerms

struct SetVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Set the operating point of a board.",
        discussion: """
            Values left out do not change, or are those of the preset. Bits waiting to be served are discarded, \
            and the lanes repeat the start-up test.
            """)

    @Argument(help: "A board, by name or serial. Not needed when there is only one.")
    var board: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Pulse amplitude.", valueName: "mV"))
    var amplitude: Double?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Pulse width.", valueName: "ps"))
    var width: Double?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("In-plane bias field.", valueName: "µT"))
    var biasField: Double?

    @Option(
        help: ArgumentHelp(
            """
            The point of a preset of the simulated array: of the one that the configuration names, if the array \
            has the devices of that preset; or "weak", at which a pulse switches 1 % of the devices, for array \
            operations and not for the stream. No point is known to suit other boards.
            """, valueName: "name"))
    var preset: String?

    @OptionGroup var options: ReadingOptions

    func validate() throws {
        let values = [amplitude, width, biasField].compactMap { $0 }
        guard !values.isEmpty || preset != nil else {
            throw ValidationError("nothing to set: give --amplitude, --width, --bias-field or --preset")
        }
        guard values.allSatisfy(\.isFinite) else {
            throw ValidationError("an operating point takes finite numbers")
        }
    }

    func perform(on console: Console) throws(Failure) -> MectlExit {
        let wanted = PartialOperatingPoint(
            amplitudeMillivolts: amplitude, pulseWidthPicoseconds: width,
            biasFieldMicrotesla: biasField)
        let (report, previous) = try options.ask(console) { (client) throws(ControlClientError) in
            let board = try client.resolveBoard(board)
            let previous = try client.status(of: board.name).boards.first?.operatingPoint
            let reply = try client.perform(SetOperatingPoint(wanted, preset: preset), on: board.name)
            let report = OperatingPointReport(
                name: board.name, provenance: board.provenance,
                operatingPoint: reply.operatingPoint)
            return (report, previous)
        }
        for warning in previous.map(wanted.unlikelyUnits) ?? [] { console.warn(warning) }
        try options.show(report, on: console)
        return .success
    }
}

/// The operating point of a board.
struct OperatingPointReport: Report {
    var name: String
    @ByName package var provenance: Provenance
    var operatingPoint: OperatingPoint

    init(
        name: String, provenance: Provenance, operatingPoint: OperatingPoint
    ) {
        self.name = name
        self.provenance = provenance
        self.operatingPoint = operatingPoint
    }
}

extension OperatingPointReport {
    func text(palette: Palette, now: Double) -> String {
        banner([(name, provenance)]) + "\(printable(name)): \(pulses(operatingPoint))\n"
    }
}

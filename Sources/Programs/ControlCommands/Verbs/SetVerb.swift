// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BoardProtocol
import ControlInterface

struct SetVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Set the operating point of a board.",
        discussion: """
            Values that are left out stay. Bits waiting to be served are discarded, and the lanes repeat \
            the start-up test.
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

    @OptionGroup var options: ReadingOptions

    func validate() throws {
        let values = [amplitude, width, biasField].compactMap { $0 }
        guard !values.isEmpty else {
            throw ValidationError("nothing to set: give --amplitude, --width or --bias-field")
        }
        guard values.allSatisfy(\.isFinite) else {
            throw ValidationError("an operating point takes finite numbers")
        }
    }

    func perform(on console: Console) throws(Failure) -> MectlExit {
        let wanted = PartialOperatingPoint(
            amplitudeMillivolts: amplitude, pulseWidthPicoseconds: width,
            biasFieldMicrotesla: biasField)
        let report = try options.ask(console) { (client) throws(ControlClientError) in
            let board = try client.resolveBoard(board)
            return OperatingPointReport(
                name: board.name, provenance: board.provenance,
                operatingPoint: try client.setOperatingPoint(wanted, of: board.name))
        }
        try options.show(.operatingPoint(report), on: console)
        return .success
    }
}

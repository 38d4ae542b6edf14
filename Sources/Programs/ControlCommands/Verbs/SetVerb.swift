// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BoardProtocol
import ControlInterface

struct SetVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Set what the devices of a board are driven with.",
        discussion: """
            What is left out stays as it is. The bits that wait to be served are discarded, and the \
            lanes are tested from the start.
            """)

    @Argument(help: "A board, by name or serial. Not needed when there is only one.")
    var board: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The amplitude of the pulses.", valueName: "mV"))
    var amplitude: Double?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The width of the pulses.", valueName: "ps"))
    var width: Double?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The bias field in the plane of the devices.", valueName: "µT"))
    var biasField: Double?

    @OptionGroup var options: ReadingOptions

    func validate() throws {
        let values = [amplitude, width, biasField].compactMap { $0 }
        guard !values.isEmpty else {
            throw ValidationError("there is nothing to set: --amplitude, --width or --bias-field")
        }
        guard values.allSatisfy(\.isFinite) else {
            throw ValidationError("an operating point is made of finite numbers")
        }
    }

    func perform(on console: Console) throws(Failure) -> MectlExit {
        let wanted = PartialOperatingPoint(
            amplitudeMillivolts: amplitude, pulseWidthPicoseconds: width,
            biasFieldMicrotesla: biasField)
        let report = try options.ask(console) { (client) throws(ControlClientError) in
            let board = try client.theBoard(board)
            return OperatingPointReport(
                name: board.name, provenance: board.provenance,
                operatingPoint: try client.setOperatingPoint(wanted, of: board.name))
        }
        try options.show(.operatingPoint(report), on: console)
        return .success
    }
}

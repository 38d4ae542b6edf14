// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BoardCheck
import BoardInterface
import USBBoard

struct BoardCheckVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "board-check",
        abstract: "Test a USB board against every request of MEB/1.",
        discussion: """
            This verb opens the board itself: metrngd must not hold it, and the board is left in its state \
            after power-up. Exit status: 0 if all checks pass, 1 if one fails, 3 if there is no board, or it \
            disappears.
            """)

    @Option(help: "The serial number of the board (default: the first board on the bus).")
    var serial: String?

    @Option(help: "The port path of the board, as in 1-2.3.")
    var place: String?

    @Option(
        help: ArgumentHelp(
            "The vendor and product numbers of the board, as in 16c0:05dc.", valueName: "v:p"),
        transform: usbIdentifier)
    var identifier: USBBoardSettings.Identifier?

    @OptionGroup var options: FormOption

    static let foreignOptions: Set = ["--socket"]

    func validate() throws {
        if serial != nil, place != nil {
            throw ValidationError("give either --serial or --place, not both")
        }
    }

    func perform(on console: Console) throws(Failure) -> MectlExit {
        let report: BoardCheckReport
        do throws(BoardError) {
            let access = try BoardAccess(settings)
            report = try BoardCheckReport(try BoardChecker(access), of: access)
        } catch {
            throw .board(error)
        }
        try options.show(report, on: console)
        return report.failed == 0 ? .success : .failure
    }

    private var settings: USBBoardSettings {
        var settings = USBBoardSettings()
        if let serial { settings.selection = .serial(serial) }
        if let place { settings.selection = .place(place) }
        if let identifier { settings.identifiers = [identifier] }
        return settings
    }
}

@Sendable
private func usbIdentifier(_ text: String) throws -> USBBoardSettings.Identifier {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let vendor = UInt16(parts[0], radix: 16),
        let product = UInt16(parts[1], radix: 16)
    else { throw ValidationError("takes two hexadecimal numbers, as in 16c0:05dc") }
    return USBBoardSettings.Identifier(vendor: vendor, product: product)
}

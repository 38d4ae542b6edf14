// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface
import LinuxPlatform
import Varlink

struct WatchVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Show the status repeatedly, until Ctrl-C.",
        discussion: "With --json, or if standard output is not a terminal, updates are appended.")

    @OptionGroup var options: ReadingOptions

    @Argument(help: "A board, by name or serial (default: all boards).")
    var board: String?

    @Option(help: ArgumentHelp("Seconds between updates.", valueName: "seconds"))
    var interval = defaultWatchInterval

    func validate() throws {
        guard watchIntervals.contains(interval) else {
            throw ValidationError(
                "The interval must be between \(watchIntervals.lowerBound) and"
                    + " \(Int(watchIntervals.upperBound)) seconds.")
        }
    }

    func perform(on console: Console) throws(Failure) -> MectlExit {
        console.endOnInterrupt()
        var updates = 0
        var failure: Failure?
        try options.ask(console) { (client) throws(ControlClientError) in
            try client.watch(board, intervalSeconds: interval) { status in
                do throws(Failure) {
                    try show(status, update: updates, on: console)
                    updates += 1
                    return .proceed
                } catch {
                    failure = error
                    return .stop
                }
            }
        }
        if let failure { throw failure }
        return .success
    }

    private func show(
        _ status: StatusReport, update: Int, on console: Console
    ) throws(Failure) {
        let text = try options.render(status.identified(by: console), console)
        let placement: Placement =
            options.json
            ? .appended
            : console.outputIsTerminal ? .inPlace(rows: console.terminalSize()?.rows) : .separated
        do {
            try console.write(placed(text, placement, isFirst: update == 0))
        } catch {
            throw .output(error)
        }
    }
}

/// Where an update goes.
enum Placement {
    /// Over the previous one, on a terminal with this many rows; lines below them are left out, so that the
    /// first line, which says what the bits are, stays visible.
    case inPlace(rows: Int?)
    /// Below the previous one and an empty line.
    case separated
    /// Right below the previous one.
    case appended
}

/// An update with the control sequences that place it.
func placed(_ text: String, _ placement: Placement, isFirst: Bool) -> String {
    switch placement {
    case .appended: text
    case .separated: isFirst ? text : "\n" + text
    case .inPlace(let rows):
        // Lines are cleared as they are written over: clearing the screen first would flicker.
        (isFirst ? "\u{1B}[2J" : "") + "\u{1B}[H"
            + firstLines(of: text, rows.map { $0 - 1 } ?? .max)
            .replacing("\n", with: "\u{1B}[K\n") + "\u{1B}[J"
    }
}

private func firstLines(of text: String, _ count: Int) -> String {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    // The last one is what follows the last line break: nothing.
    guard lines.count - 1 > count else { return text }
    let shown = max(0, count - 1)
    return lines.prefix(shown).map { $0 + "\n" }.joined()
        + "(\(lines.count - 1 - shown) more lines: the terminal has too few rows)\n"
}

// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface
import Glibc
import LinuxPlatform
import Varlink

struct WatchVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Show the status repeatedly, until Ctrl-C.",
        discussion: """
            With --json, or if standard output is not a terminal, updates are appended. When metrngd restarts, \
            updates go on.
            """)

    @OptionGroup var options: ReadingOptions

    @Argument(help: "A board, by name or serial (default: all boards).")
    var board: String?

    @Option(parsing: .unconditional, help: ArgumentHelp("Seconds between updates.", valueName: "seconds"))
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
        while true {
            do throws(Failure) {
                try watch(&updates, console)
                return .success
            } catch {
                // A daemon that was there once comes back, as after an update.
                guard updates > 0, error.exitCode == .unreachable else { throw error }
                console.tell("mectl: note: metrngd does not answer; waiting for it\n")
                try waitForDaemon(console)
            }
        }
    }

    /// Shows updates until one cannot be shown, or the daemon has gone.
    private func watch(_ updates: inout Int, _ console: Console) throws(Failure) {
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
    }

    /// Waits until the daemon answers.
    private func waitForDaemon(_ console: Console) throws(Failure) {
        while true {
            usleep(Self.reconnectionDelay)
            do throws(Failure) {
                _ = try options.ask(console) { (client) throws(ControlClientError) in
                    try client.boards()
                }
                return
            } catch {
                guard error.exitCode == .unreachable else { throw error }
            }
        }
    }

    /// From one attempt to connect again to the next, in microseconds.
    private static let reconnectionDelay: useconds_t = 250_000

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

// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface
import LinuxPlatform

/// The options of every verb that asks the daemon.
struct ReadingOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The control socket of metrngd (default: METRNG_CONTROL, or \(defaultControlSocket)).",
            valueName: "path"))
    var socket: String?

    @Flag(help: "Print JSON: one line, sorted keys, no key omitted.")
    var json = false

    /// The path to connect to.
    func path(_ console: Console) -> String {
        socket ?? console.variable("METRNG_CONTROL") ?? defaultControlSocket
    }

    /// Asks the daemon something.
    func ask<Answer>(
        _ console: Console, _ question: (ControlClient) throws(ControlClientError) -> Answer
    ) throws(Failure) -> Answer {
        let path = path(console)
        do {
            return try question(ControlClient(path: path))
        } catch {
            throw .daemon(error, path: path)
        }
    }

    /// Prints a report in the form that was asked for.
    func show(_ report: some Report, on console: Console) throws(Failure) {
        let text = try render(report, console)
        do {
            try console.write(text)
        } catch {
            throw .output(error)
        }
    }

    func render<Content: Report>(_ report: Content, _ console: Console) throws(Failure) -> String {
        do {
            let form: ReportForm =
                json ? .json : .text(palette: console.palette, now: console.now())
            let text = try report.rendered(as: form)
            guard !json, Content.isFolded, console.outputIsTerminal, let size = console.terminalSize() else {
                return text
            }
            return folded(text, columns: size.columns)
        } catch {
            throw .json(error)
        }
    }
}

let defaultControlSocket = "/run/metrng/control.sock"

/// A verb of `mectl`.
protocol Verb: ParsableCommand {
    /// Performs the verb.
    ///
    /// - Returns: the exit status.
    func perform(on console: Console) throws(Failure) -> MectlExit
}

/// Runs `mectl` with arguments (without its own name) and gives its exit code.
package func runMectl(_ arguments: [String], on console: Console) -> Int32 {
    do {
        var command = try Mectl.parseAsRoot(arguments)
        guard let verb = command as? any Verb else {
            // Help, as a command of the parser's own, which "throws" what it has to say.
            try command.run()
            return MectlExit.success.rawValue
        }
        return try verb.perform(on: console).rawValue
    } catch let failure as Failure {
        console.tell(failure.message)
        return failure.exitCode.rawValue
    } catch {
        return end(with: error, on: console)
    }
}

/// Says what the parser of arguments has to say: help on the standard output, errors elsewhere.
private func end(with error: any Error, on console: Console) -> Int32 {
    let code = Mectl.exitCode(for: error)
    let lines = Mectl.fullMessage(for: error).split(
        separator: "\n", omittingEmptySubsequences: false)
    let text = lines.reversed().drop(while: \.isEmpty).reversed().joined(separator: "\n")
    if code.isSuccess {
        // A reader that closes the output has read enough of the help.
        try? console.write(text + "\n")
    } else {
        console.tell("mectl: error: \(text.trimmingPrefix("Error: "))\n")
    }
    return code.rawValue
}

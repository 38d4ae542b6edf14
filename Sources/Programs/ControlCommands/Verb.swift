// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface
import LinuxPlatform

/// The option of a verb that connects to the daemon.
struct SocketOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The control socket of metrngd (default: METRNG_CONTROL, or \(defaultControlSocket)).",
            valueName: "path"))
    var socket: String?

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

}

/// The option of a verb that prints a report.
struct FormOption: ParsableArguments {
    @Flag(help: "Print JSON: one line, sorted keys, no key omitted.")
    var json = false

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
            guard !json else { return try report.rendered(as: .json) }
            let columns = console.outputIsTerminal ? console.terminalSize()?.columns : nil
            let text = console.shown(
                try report.rendered(as: .text(palette: console.palette, now: console.now(), columns: columns)))
            guard Content.isFolded, let columns else { return text }
            return folded(text, columns: columns)
        } catch {
            throw .json(error)
        }
    }
}

/// The options of every verb that asks the daemon for a report.
struct ReadingOptions: ParsableArguments {
    @OptionGroup private var connection: SocketOption
    @OptionGroup private var form: FormOption

    var json: Bool { form.json }

    func path(_ console: Console) -> String { connection.path(console) }

    func ask<Answer>(
        _ console: Console, _ question: (ControlClient) throws(ControlClientError) -> Answer
    ) throws(Failure) -> Answer { try connection.ask(console, question) }

    func show(_ report: some Report, on console: Console) throws(Failure) {
        try form.show(report, on: console)
    }

    func render(_ report: some Report, _ console: Console) throws(Failure) -> String {
        try form.render(report, console)
    }
}

let defaultControlSocket = "/run/metrng/control.sock"

/// A verb of `mectl`.
protocol Verb: ParsableCommand {
    /// The options of `mectl` itself that mean nothing to the verb: they are parsed before and after every verb.
    static var foreignOptions: Set<String> { get }

    /// Performs the verb.
    ///
    /// - Returns: the exit status.
    func perform(on console: Console) throws(Failure) -> MectlExit
}

extension Verb {
    static var foreignOptions: Set<String> { [] }
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
        if let option = foreignOption(of: type(of: verb), in: arguments) {
            let name = type(of: verb).configuration.commandName ?? ""
            throw ValidationError("\(name) takes no \(option)")
        }
        return try verb.perform(on: console).rawValue
    } catch let failure as Failure {
        console.tell(console.shown(failure.message))
        return failure.exitCode.rawValue
    } catch {
        return end(with: error, on: console, suggestion: misspeltVerb(in: arguments))
    }
}

/// The first of the arguments that is an option which means nothing to the verb.
private func foreignOption(of verb: any Verb.Type, in arguments: [String]) -> String? {
    arguments.prefix { $0 != "--" }.lazy
        .map { String($0.prefix { $0 != "=" }) }
        .first(where: verb.foreignOptions.contains)
}

/// The message about a word in place of a verb that is none; nil when there is no such word.
private func misspeltVerb(in arguments: [String]) -> String? {
    var rest = arguments[...]
    while let word = rest.popFirst() {
        switch word {
        case "--socket": _ = rest.popFirst()
        case _ where word.hasPrefix("-"): break
        default:
            let verbs = Mectl.configuration.subcommands.compactMap { $0.configuration.commandName } + ["help"]
            guard !verbs.contains(word) else { return nil }
            let near = verbs.map { (verb: $0, distance: distance(word, $0)) }
                .min { $0.distance < $1.distance }
            let hint = near.flatMap { $0.distance <= 2 ? "; did you mean \($0.verb)?" : nil }
            return "there is no verb \(printable(word))\(hint ?? "")"
        }
    }
    return nil
}

/// The number of letters to insert, remove, replace or swap with a neighbour to make one word of another.
func distance(_ one: String, _ other: String) -> Int {
    let (one, other) = (Array(one), Array(other))
    var rows = [Array(0...other.count)]
    for row in 0..<one.count {
        rows.append([row + 1])
        for column in 0..<other.count {
            let isSame = one[row] == other[column]
            var best = min(
                rows[row][column] + (isSame ? 0 : 1), rows[row][column + 1] + 1,
                rows[row + 1][column] + 1)
            if row > 0, column > 0, one[row] == other[column - 1], one[row - 1] == other[column] {
                best = min(best, rows[row - 1][column - 1] + 1)
            }
            rows[row + 1].append(best)
        }
    }
    return rows[one.count][other.count]
}

/// Says what the parser of arguments has to say: help on the standard output, errors elsewhere.
///
/// - Parameter suggestion: replaces what the parser says of an unexpected argument.
private func end(with error: any Error, on console: Console, suggestion: String?) -> Int32 {
    let code = Mectl.exitCode(for: error)
    let lines = Mectl.fullMessage(for: error).split(
        separator: "\n", omittingEmptySubsequences: false)
    let text = lines.reversed().drop(while: \.isEmpty).reversed().joined(separator: "\n")
    if code.isSuccess {
        // A reader that closes the output has read enough of the help.
        try? console.write(text + "\n")
    } else {
        let message = text.trimmingPrefix("Error: ")
        let others = message.drop { $0 != "\n" }
        let isUnexpected = message.hasPrefix("Unexpected argument") || message.contains("unexpected arguments")
        let shown = isUnexpected ? suggestion.map { $0 + others } : nil
        console.tell("mectl: error: \(shown ?? String(message))\n")
    }
    return code.rawValue
}

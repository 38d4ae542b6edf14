// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface
package import Diffusion
import EntropyTerms

/// What the verbs need of the program around them.
package struct Workbench {
    package let console: Console
    /// Opens a model by its name or the path of its file; nil for the usual one.
    package let openDenoiser: (String?) throws(Failure) -> any Denoiser

    package init(console: Console, openDenoiser: @escaping (String?) throws(Failure) -> any Denoiser) {
        self.console = console
        self.openDenoiser = openDenoiser
    }
}

/// A verb of `mediffuse`.
protocol Verb: ParsableCommand {
    func perform(on bench: Workbench) throws(Failure)
}

/// Makes images by the diffusion process of an array.
struct Mediffuse: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mediffuse",
        abstract: "Make images by the diffusion process of an array of magnetic tunnel junctions.",
        discussion: """
            The bits and the array are those of metrngd. Simulated ones are refused unless --allow-simulated is given.

            Exit status: 0 success; 1 failure; 3 there is no board, or it cannot be used now; \
            4 no such board, or more than one; 64 usage error; 69 metrngd does not answer; \
            77 not permitted; 130 interrupted.
            """,
        version: "mediffuse \(metrngVersion)",
        subcommands: [SampleVerb.self, ForwardVerb.self, CalibrateVerb.self, EnergyVerb.self])
}

/// Runs `mediffuse` with arguments (without its own name) and gives its exit code.
package func runMediffuse(_ arguments: [String], on bench: Workbench) -> Int32 {
    do {
        var command = try Mediffuse.parseAsRoot(arguments)
        guard let verb = command as? any Verb else {
            // Help, as a command of the parser's own, which "throws" what it has to say.
            try command.run()
            return Exit.success.rawValue
        }
        bench.console.catchInterrupts()
        try verb.perform(on: bench)
        return Exit.success.rawValue
    } catch let failure as Failure {
        bench.console.tell(failure.message)
        return failure.exitCode.rawValue
    } catch {
        return end(with: error, on: bench.console)
    }
}

/// Says what the parser of arguments has to say: help on the standard output, errors elsewhere.
private func end(with error: any Error, on console: Console) -> Int32 {
    let code = Mediffuse.exitCode(for: error)
    let text = Mediffuse.fullMessage(for: error)
    if code.isSuccess {
        // A reader that closes the output has read enough of the help.
        try? console.write(text.hasSuffix("\n") ? text : text + "\n")
    } else {
        console.tell("mediffuse: error: \(text.trimmingPrefix("Error: "))\n")
    }
    return code.rawValue
}

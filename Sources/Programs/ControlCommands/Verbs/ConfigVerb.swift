// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface

struct ConfigVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Show the configuration.", subcommands: [Show.self])

    struct Show: Verb {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Print the configuration in force, as YAML.")

        @OptionGroup var options: ReadingOptions

        func perform(on console: Console) throws(Failure) -> MectlExit {
            let configuration = try options.ask(console) { (client) throws(ControlClientError) in
                try client.configuration()
            }
            try options.show(.configuration(configuration), on: console)
            return .success
        }
    }
}

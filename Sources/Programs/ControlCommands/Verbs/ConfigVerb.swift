// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
package import ControlInterface

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
            try options.show(configuration, on: console)
            return .success
        }
    }
}

extension ConfigurationReport: Report {
    package func text(palette: Palette, now: Double) -> String { configurationText(self) }
}

private func configurationText(_ configuration: ConfigurationReport) -> String {
    let files = configuration.files.map(printable).joined(separator: ", ")
    let source = files.isEmpty ? "built-in values" : "from \(files)"
    let yaml = configuration.yaml.unicodeScalars.split(
        separator: "\n", omittingEmptySubsequences: false
    )
    .map { printable(String($0)) }.joined(separator: "\n")
    return "# \(source)\n\(yaml)\(yaml.hasSuffix("\n") ? "" : "\n")"
}

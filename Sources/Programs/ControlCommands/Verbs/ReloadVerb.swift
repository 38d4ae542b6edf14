// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface

struct ReloadVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Make metrngd read its configuration again.",
        discussion: """
            Reports what changed and what needs a restart. A wrong configuration is not applied: the one in \
            force stays.
            """)

    @OptionGroup var options: ReadingOptions

    func perform(on console: Console) throws(Failure) -> MectlExit {
        let report = try options.ask(console) { (client) throws(ControlClientError) in
            try client.reload()
        }
        try options.show(.reload(report), on: console)
        return .success
    }
}

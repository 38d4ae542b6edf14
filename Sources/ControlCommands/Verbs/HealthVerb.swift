// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface

struct HealthVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "health", abstract: "Show the health of every lane of a board.")

    @OptionGroup var options: ReadingOptions

    @Argument(help: "A board, by name or serial. Not needed when there is only one.")
    var board: String?

    func perform(on console: Console) throws(Failure) -> MectlExit {
        let health = try options.ask(console) { (client) throws(ControlClientError) in
            try client.health(of: board)
        }
        try options.show(.health(health), on: console)
        return .success
    }
}

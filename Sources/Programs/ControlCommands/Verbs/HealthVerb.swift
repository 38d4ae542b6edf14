// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface

struct HealthVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "health", abstract: "Show the health of every lane of a board.")

    @OptionGroup var options: ReadingOptions

    @Argument(help: "A board, by name or serial. Not needed when there is only one.")
    var board: String?

    @Option(
        help: ArgumentHelp(
            "Quantity in the map: the share of ones, the correlation with the previous shot or with the"
                + " majority of lanes, or the trim.",
            valueName: "quantity"))
    var map = LaneQuantity.p

    func perform(on console: Console) throws(Failure) -> MectlExit {
        let (health, states) = try options.ask(console) { (client) throws(ControlClientError) in
            let health = try client.health(of: board)
            return (health, try client.status(of: health.name).boards.map(\.state))
        }
        try options.show(.health(health, map: map), on: console)
        return MectlExit(of: states)
    }
}

extension LaneQuantity: ExpressibleByArgument {}

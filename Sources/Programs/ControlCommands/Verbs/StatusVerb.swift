// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface

struct StatusVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show on one screen what metrngd and its boards are doing."
    )

    @OptionGroup var options: ReadingOptions

    @Argument(help: "A board, by name or serial (default: all boards).")
    var board: String?

    func perform(on console: Console) throws(Failure) -> MectlExit {
        try showStatus(of: board, options, on: console)
    }
}

func showStatus(
    of board: String?, _ options: ReadingOptions, on console: Console
) throws(Failure) -> MectlExit {
    let status = try options.ask(console) { (client) throws(ControlClientError) in
        try client.status(of: board)
    }
    try options.show(.status(status.identified(by: console)), on: console)
    return MectlExit(of: status.boards.map(\.state))
}

extension MectlExit {
    /// For scripts: whether there are boards and all of them are healthy.
    init(of states: [BoardState]) {
        let allHealthy = !states.isEmpty && states.allSatisfy(\.isHealthy)
        self = allHealthy ? .success : .notHealthy
    }
}

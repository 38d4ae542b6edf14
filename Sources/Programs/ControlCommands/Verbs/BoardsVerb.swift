// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface

struct BoardsVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "boards", abstract: "List the boards.")

    @OptionGroup var options: ReadingOptions

    func perform(on console: Console) throws(Failure) -> MectlExit {
        let boards = try options.ask(console) { (client) throws(ControlClientError) in
            try client.boards()
        }
        try options.show(BoardList(boards: boards), on: console)
        return MectlExit(of: boards.map(\.state))
    }
}

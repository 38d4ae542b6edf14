// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface

/// The operator's tool: asks `metrngd`, over its control socket, what it is doing, and what
/// it shall do.
struct Mectl: Verb {
    static let configuration = CommandConfiguration(
        commandName: "mectl",
        abstract: "Monitor and operate metrngd, its boards and their lanes.",
        discussion: """
            Without a verb, mectl shows the status.

            Exit status: 0 success; 1 failure; 3 there is no board, or one is not healthy; \
            4 no such board, or more than one; 64 usage error; 69 metrngd does not answer; \
            77 not permitted; 130 interrupted.
            """,
        version: "mectl \(metrngVersion)",
        subcommands: [
            StatusVerb.self, BoardsVerb.self, HealthVerb.self, StreamVerb.self,
            WatchVerb.self, WaitVerb.self, MetricsVerb.self, CalibrateVerb.self, SetVerb.self,
            RecordVerb.self,
            ExportVerb.self,
            InjectVerb.self, BoardCheckVerb.self, ReloadVerb.self, ConfigVerb.self,
            VersionVerb.self,
        ])

    @OptionGroup var options: ReadingOptions

    // Not a default subcommand: `status` takes a board, and a misspelt verb would pass for one.
    func perform(on console: Console) throws(Failure) -> MectlExit {
        try showStatus(of: nil, options, on: console)
    }
}

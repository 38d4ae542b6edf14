// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface

struct VersionVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "version",
        abstract: "Print the versions of mectl and of metrngd, if it is running.")

    @OptionGroup var options: ReadingOptions

    func perform(on console: Console) throws(Failure) -> MectlExit {
        // The tool's own version has to be had without a daemon, too.
        var failure: Failure?
        var daemon: String?
        do {
            daemon = try options.ask(console) { (client) throws(ControlClientError) in
                try client.status().service.version
            }
        } catch {
            failure = error
        }
        try options.show(
            .version(VersionReport(mectl: metrngVersion, metrngd: daemon)), on: console)
        if let failure, failure.exitCode != .unreachable { throw failure }
        return .success
    }
}

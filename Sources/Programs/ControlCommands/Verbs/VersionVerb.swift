// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
package import BoardProtocol
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
            VersionReport(mectl: metrngVersion, metrngd: daemon), on: console)
        if let failure, failure.exitCode != .unreachable { throw failure }
        return .success
    }
}

/// The versions of the tool and of the daemon it talks to.
package struct VersionReport: Report, Codable, Equatable {
    package var mectl: String
    /// Nil when there is no daemon to ask.
    @Nullable package var metrngd: String?

    package init(mectl: String, metrngd: String?) {
        self.mectl = mectl
        self.metrngd = metrngd
    }
}

extension VersionReport {
    package func text(palette: Palette, now: Double) -> String { versionText(self) }
}

private func versionText(_ version: VersionReport) -> String {
    let daemon = version.metrngd.map { "metrngd \(printable($0))" } ?? "metrngd does not answer"
    return "mectl \(version.mectl)\n\(daemon)\n"
}

// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
package import ControlInterface

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
        try options.show(report, on: console)
        return .success
    }
}

extension ReloadReport: Report {
    package func text(palette: Palette, now: Double) -> String { reloadText(self) }
}

private func reloadText(_ reload: ReloadReport) -> String {
    guard !reload.changes.isEmpty else { return "no changes\n" }
    return reload.changes.map { change in
        let (key, old, new) = (printable(change.key), printable(change.old), printable(change.new))
        return change.applied
            ? "\(key) is now \(new), was \(old)\n"
            : "\(key) is still \(old): \(new) needs a restart\n"
    }.joined()
}

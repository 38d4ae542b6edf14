// SPDX-License-Identifier: Apache-2.0

import ControlCommands
import ControlInterface
import ControlTestSupport
import Testing
import Varlink

@Suite(
    "mectl reload: changes, none, a wrong configuration, not permitted", .timeLimit(.minutes(5)))
struct ReloadTests {
    private static let found = [
        ConfigurationChange(key: "log.level", old: "info", new: "debug", applied: true),
        ConfigurationChange(key: "boards[0].lanes", old: "512", new: "64", applied: false),
    ]

    private static func run(_ daemon: FakeDaemon, _ arguments: String...) -> Invocation {
        Invocation(["reload"] + arguments, environment: ["METRNG_CONTROL": daemon.path])
    }

    @Test(
        "Tells what is in force now, and what needs a restart",
        arguments: [
            (
                found,
                """
                log.level is now debug, was info
                boards[0].lanes is still 512: 64 needs a restart

                """
            ),
            ([], "no changes\n"),
        ])
    func changes(changes: [ConfigurationChange], text: String) throws {
        let daemon = try FakeDaemon()
        daemon.operation.reloads([nil, ReloadReport(changes: changes)])
        let invocation = Self.run(daemon)
        #expect(invocation.exitCode == 0 && invocation.messages == "")
        #expect(invocation.output == text)
    }

    @Test("Tells it as JSON")
    func json() throws {
        let daemon = try FakeDaemon()
        daemon.operation.reloads([ReloadReport(changes: [Self.found[0]])])
        #expect(
            Self.run(daemon, "--json").output
                == #"{"changes":[{"applied":true,"key":"log.level","new":"debug","old":"info"}]}"#
                + "\n")
    }

    @Test("A configuration that is refused is a failure, with a line for each problem")
    func refused() throws {
        let daemon = try FakeDaemon()
        daemon.operation.fail(
            .configurationRefused(problems: ["/a.yaml:1:2: x", "/a.yaml: \u{1B}"]))
        let invocation = Self.run(daemon)
        #expect(invocation.exitCode == 1 && invocation.output == "")
        #expect(
            invocation.messages == """
                mectl: error: the configuration is wrong and was not applied:
                mectl: error: /a.yaml:1:2: x
                mectl: error: /a.yaml: \u{FFFD}
                mectl: hint: the one in force stays; correct the files and try again

                """)
    }

    @Test("Who may not change anything is told so")
    func notPermitted() throws {
        let daemon = try FakeDaemon()
        daemon.operation.permit(false)
        #expect(Self.run(daemon).exitCode == 77)
    }
}

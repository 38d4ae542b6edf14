// SPDX-License-Identifier: Apache-2.0

import DaemonConfiguration
import Testing

@Suite(
    "The environment and the command line: what each overrides")
struct OverridingTests {
    private let fromFile: DaemonSettings = {
        var settings = DaemonSettings()
        settings.runtimeDirectory = "/file"
        return settings
    }()

    @Test("Options go before the environment, and the environment before files")
    func precedence() throws {
        let environment = ["METRNG_RUNTIME_DIRECTORY": "/environment"]
        let flags = SettingFlags(runtimeDirectory: "/flag")
        let none = try fromFile.overriding(environment: [:], flags: SettingFlags())
        let first = try fromFile.overriding(environment: environment, flags: SettingFlags())
        let both = try fromFile.overriding(environment: environment, flags: flags)
        #expect(none == fromFile)
        #expect(first.runtimeDirectory == "/environment")
        #expect(both.runtimeDirectory == "/flag")
    }

    @Test("An impossible directory is told with where it comes from, all of them at once")
    func problems() {
        let error = #expect(throws: ConfigurationError.self) {
            try fromFile.overriding(
                environment: ["METRNG_RUNTIME_DIRECTORY": ""],
                flags: SettingFlags(runtimeDirectory: "here"))
        }
        #expect(
            error?.description == """
                environment variable METRNG_RUNTIME_DIRECTORY: found "", expected an absolute path of \
                1 to 94 bytes
                option --runtime-directory: found "here", expected an absolute path of 1 to 94 bytes
                """)
    }

    @Test("Asking for simulation adds a board with the built-in values when there is none")
    func simulated() throws {
        let flags = SettingFlags(simulated: true)
        let alone = try fromFile.overriding(environment: [:], flags: flags)
        #expect(alone.boards == [BoardSettings()])

        var configured = fromFile
        configured.boards = [BoardSettings()]
        configured.boards[0].lanes = 64
        #expect(try configured.overriding(environment: [:], flags: flags) == configured)
    }

    @Test(
        "The kernel is not fed from what an option puts in the place of hardware",
        arguments: [
            (SettingFlags(simulated: true), "option --simulated: kernel.feed: found true with the"),
            (SettingFlags(replay: "/tape"), "option --replay: kernel.feed: found true with the"),
        ])
    func kernelFeed(flags: SettingFlags, message: String) throws {
        var configured = fromFile
        configured.boards = [BoardSettings()]
        configured.boards[0].kind = .usb
        configured.kernel.feed = true
        #expect(try configured.overriding(environment: [:], flags: SettingFlags()) == configured)
        let error = #expect(throws: ConfigurationError.self) {
            try configured.overriding(environment: [:], flags: flags)
        }
        #expect(error?.description.hasPrefix(message) == true)
    }

    @Test("Asking for a replay leaves nothing but the recording")
    func replay() throws {
        var configured = fromFile
        configured.boards = [BoardSettings()]
        let flags = SettingFlags(replay: "/tape")
        let boards = try configured.overriding(environment: [:], flags: flags).boards
        #expect(boards.map(\.kind) == [.replay])
        #expect(boards.map(\.path) == ["/tape"])
        let error = #expect(throws: ConfigurationError.self) {
            try configured.overriding(environment: [:], flags: SettingFlags(replay: ""))
        }
        #expect(
            error?.description == "option --replay: found \"\", expected the path of a recording")
    }
}

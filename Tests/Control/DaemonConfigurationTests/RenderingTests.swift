// SPDX-License-Identifier: Apache-2.0

import DaemonConfiguration
import Testing

@Suite(
    "Settings as YAML, and what differs between settings: round trips of generated settings; changes that need a restart"
)
struct RenderingTests {
    @Test("Settings that are written and read again are equal", arguments: 0..<200)
    func roundTrip(seed: Int) throws {
        var generator = SplitMix(state: UInt64(seed))
        let original = DaemonSettings.random(using: &generator)
        #expect(try settings(original.yaml) == original, "\(original.yaml)")
    }

    @Test(
        "Names that YAML would take for something else are put in quotes",
        arguments: ["no", "Null", "1e3", "-", "---", "0x1", "123", "_", "On"])
    func awkwardNames(name: String) throws {
        var original = DaemonSettings()
        original.boards = [BoardSettings()]
        original.boards[0].name = name
        #expect(original.yaml.contains("name: '\(name)'\n"))
        #expect(try settings(original.yaml) == original)
    }

    @Test(
        "Paths with signs of YAML in them are put in quotes",
        arguments: ["/a: b", "/a #b", "/it's", "/a \"b\"", "/\u{e9}", "/a\\b", "/ "])
    func awkwardPaths(path: String) throws {
        var original = DaemonSettings()
        original.runtimeDirectory = path
        #expect(try settings(original.yaml) == original, "\(original.yaml)")
    }

    @Test("The built-in settings read as the manual shows them")
    func builtIn() {
        #expect(
            DaemonSettings().yaml == """
                runtimeDirectory: /run/metrng
                log:
                  level: info
                boards: []
                health:
                  claimedEntropyPerBit: 0.8
                  startUpWindows: 4
                  minimumGoodLanesPercent: 75
                rings:
                  fullBytes: 1048576
                  rawBytes: 262144
                  lockMemory: required
                entropy:
                  maximumClients: 256
                  socketMode: "0660"
                control:
                  maximumClients: 32
                  socketMode: "0660"
                egd:
                  serve: false
                  allowSimulated: false
                  maximumClients: 16
                  socketMode: "0660"
                kernel:
                  feed: false
                  intervalSeconds: 60
                  bytes: 64

                """)
    }

    @Test("Equal settings differ in nothing")
    func noChanges() {
        #expect(DaemonSettings().changes(to: DaemonSettings()).isEmpty)
    }

    @Test("Each key that differs is named, with whether it can change in a running daemon")
    func changes() throws {
        let old = try settings("boards: [{name: a}, {name: b}]")
        let new = try settings(
            """
            boards: [{name: a}, {name: b, lanes: 64, array: {preset: damped}}]
            runtimeDirectory: /tmp/m
            log: {level: debug}
            rings: {lockMemory: never}
            entropy: {maximumClients: 2, socketMode: "0600"}
            control: {maximumClients: 3}
            """)
        let changes = old.changes(to: new).map { change in
            "\(change.key) \(change.old) > \(change.new)\(change.appliesLive ? " live" : "")"
        }
        #expect(
            changes == [
                "runtimeDirectory /run/metrng > /tmp/m", "log.level info > debug live",
                "boards[1].lanes 512 > 64", "boards[1].array.preset quarterPeriod > damped",
                "rings.lockMemory required > never", "entropy.maximumClients 256 > 2 live",
                "entropy.socketMode \"0660\" > \"0600\"", "control.maximumClients 32 > 3 live",
            ])
    }

    @Test("Another number of boards is one change, and needs a restart")
    func boardCount() throws {
        let changes = DaemonSettings().changes(to: try settings("boards: [{}]"))
        #expect(changes.map(\.key) == ["boards"])
        #expect(changes.map(\.new) == ["1 board"])
        #expect(changes.map(\.appliesLive) == [false])
    }
}

// SPDX-License-Identifier: Apache-2.0

import DaemonConfiguration
import DevicePhysics
import Testing

@Suite(
    "Reading settings: every key")
struct ReadingTests {
    @Test(
        "A text that sets nothing gives the built-in settings",
        arguments: [
            "", "# nothing\n", "---\n", "--- # still nothing\n...\n", "{}", "log:\n", "boards:\n",
            "boards: []\n", "log: {}\nhealth: ~\n", "\u{FEFF}log:\n",
        ])
    func setsNothing(text: String) throws {
        #expect(try settings(text) == DaemonSettings())
    }

    private static var rightBoard: BoardSettings {
        var board = BoardSettings()
        board.name = "right"
        board.lanes = 64
        board.seed = .fixed(.max)
        board.shotsPerFrame = 7
        board.shotsPerSecond = 2_000_000
        board.array.preset = .damped
        board.array.temperatureKelvin = 310
        board.array.spread.diameter = 0
        board.array.spread.anisotropyEnergy = 0.001
        board.array.spread.resistanceArea = 0.02
        board.array.spread.strayFieldMicrotesla = 7
        board.array.spread.deadDeviceFraction = 1
        board.array.drift.deviation = 0.01
        board.array.drift.seconds = 20
        board.array.memory.amplitude = 0.01
        board.array.memory.microseconds = 5
        board.array.readErrorRate = 1e-6
        board.array.commonModeAmplitude = 0.125
        return board
    }

    @Test("Every key is read")
    func everyKey() throws {
        let read = try settings(
            """
            runtimeDirectory: /tmp/x
            log: { level: debug }
            boards:
              - name: left
              - name: "right"
                kind: simulated
                lanes: 64
                seed: 18446744073709551615
                shotsPerFrame: 7
                shotsPerSecond: 2e6
                array:
                  preset: damped
                  temperatureKelvin: 310
                  spread:
                    diameter: 0
                    anisotropy: 1e-3
                    resistanceArea: .02
                    strayFieldMicrotesla: 7
                  drift: {deviation: 0.01, seconds: 20}
                  memory: {amplitude: 1e-2, microseconds: 5}
                  readErrorRate: 1e-6
                  commonModeAmplitude: .125
                  deadDeviceFraction: 1
            health:
              claimedEntropyPerBit: 1
              startUpWindows: 1000
              minimumGoodLanesPercent: 1
            rings:
              fullBytes: 65536
              rawBytes: 268435456
              lockMemory: ifPermitted
            entropy:
              maximumClients: 65536
              socketMode: "0777"
            control: { maximumClients: 1, socketMode: '0000' }
            """)
        var expected = DaemonSettings()
        expected.runtimeDirectory = "/tmp/x"
        expected.log.level = .debug
        expected.boards = [BoardSettings(), BoardSettings()]
        var left = BoardSettings()
        left.name = "left"
        expected.boards = [left, Self.rightBoard]
        expected.health.claimedEntropyPerBit = 1
        expected.health.startUpWindows = 1000
        expected.health.minimumGoodLanesPercent = 1
        expected.rings.fullBytes = 65536
        expected.rings.rawBytes = 268_435_456
        expected.rings.lockMemory = .ifPermitted
        expected.entropy.maximumClients = 65536
        expected.entropy.socketMode = 0o777
        expected.control.maximumClients = 1
        expected.control.socketMode = 0
        #expect(read == expected)
    }

    @Test(
        "Line breaks of other systems are read",
        arguments: ["\n", "\r\n", "\r"])
    func lineBreaks(lineBreak: String) throws {
        let text = ["log:", "  level: error", "health:", "  startUpWindows: 0", ""]
        #expect(
            problems(text.joined(separator: lineBreak)) == [
                "m.yaml:4:19: health.startUpWindows: found 0 (a number),"
                    + " expected an integer from 1 to 1000"
            ])
    }

    @Test(
        "The ampersand and the asterisk are ordinary in comments and inside values",
        arguments: ["/srv/a&b", "/srv/a *b", "/srv/!c&d", "/&a"])
    func referencesInText(path: String) throws {
        let plain = try settings("runtimeDirectory: \(path) # *bold* & more\n")
        let quoted = try settings("runtimeDirectory: \"\(path)\" # &a *a\n")
        #expect(plain.runtimeDirectory == path)
        #expect(quoted.runtimeDirectory == path)
    }

    @Test("A later file wins for each key, and replaces the list of boards as a whole")
    func layers() throws {
        let texts = [
            "log: {level: debug}\nboards: [{name: a, lanes: 64}, {name: b}]\nrings: {fullBytes: 65536}",
            "boards: [{name: c}]\nrings: {rawBytes: 65536}",
            "rings: {fullBytes: 131072}\nboards:\n",
        ]
        let files = texts.enumerated().map {
            ConfigurationFile(name: "\($0).yaml", bytes: Array($1.utf8))
        }
        let read = try DaemonSettings(reading: files)
        var expected = DaemonSettings()
        expected.log.level = .debug
        expected.boards = [BoardSettings()]
        expected.boards[0].name = "c"
        expected.rings.rawBytes = 65536
        expected.rings.fullBytes = 131072
        #expect(read == expected)
    }

    @Test("The problems of all the files are told, each with its file")
    func layersWithProblems() {
        let files = ["log: {level: loud}", "boards: 3"].enumerated().map {
            ConfigurationFile(name: "\($0).yaml", bytes: Array($1.utf8))
        }
        let error = #expect(throws: ConfigurationError.self) {
            try DaemonSettings(reading: files)
        }
        #expect(
            error?.description == """
                0.yaml:1:14: log.level: found loud (text), expected one of debug, info, warning, error
                1.yaml:1:9: boards: found 3 (a number), expected a list of boards
                """)
    }
}

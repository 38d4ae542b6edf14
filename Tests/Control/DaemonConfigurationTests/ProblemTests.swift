// SPDX-License-Identifier: Apache-2.0

import DaemonConfiguration
import Testing

@Suite(
    "What is wrong with a configuration: every way to be wrong, with its place")
struct ProblemTests {
    @Test(
        "A wrong type is told with what was found and what was expected",
        arguments: [
            ("lanes: \"512\"", "12: boards[0].lanes: found \"512\" (text)"),
            ("lanes: yes", "12: boards[0].lanes: found yes (a boolean)"),
            ("lanes: 64.0", "12: boards[0].lanes: found 64.0 (a number)"),
            ("lanes: 0512", "12: boards[0].lanes: found 0512 (a number)"),
            ("lanes: 0x200", "12: boards[0].lanes: found 0x200 (text)"),
            ("lanes: many", "12: boards[0].lanes: found many (text)"),
            ("lanes:", "11: boards[0].lanes: found nothing"),
            ("lanes: [512]", "12: boards[0].lanes: found a list"),
            ("lanes: {n: 512}", "12: boards[0].lanes: found a mapping"),
            ("lanes: 100", "12: boards[0].lanes: found 100 (a number)"),
            ("lanes: 0", "12: boards[0].lanes: found 0 (a number)"),
            ("lanes: 4160", "12: boards[0].lanes: found 4160 (a number)"),
            (
                "lanes: 99999999999999999999",
                "12: boards[0].lanes: found 99999999999999999999 (a number)"
            ),
        ])
    func lanes(setting: String, found: String) {
        let expected = "m.yaml:2:\(found), expected a multiple of 64 from 64 to 4096"
        #expect(problems("boards:\n  - \(setting)\n") == [expected])
    }

    @Test(
        "Values that do not fit together are told with the key to change",
        arguments: [
            (
                "operatingPoint: {amplitudeMillivolts: 3100}",
                "operatingPoint: found an amplitude of 3100.0 mV, expected 0.0 to 2700.0 mV, nine"
                    + " tenths of breakdownMillivolts"
            ),
            (
                "array: {device: {breakdownMillivolts: 1000}}",
                "operatingPoint: found an amplitude of 1230.0 mV, expected 0.0 to 900.0 mV, nine"
                    + " tenths of breakdownMillivolts"
            ),
            (
                "operatingPoint: {pulseWidthPicoseconds: 9001}",
                "operatingPoint: found a pulse of 9001.0 ps, expected 0.0 to 9000.0 ps with this preset"
            ),
            (
                "operatingPoint: {biasFieldMicrotesla: 40001}",
                "operatingPoint: found a bias field of 40001.0 µT, expected 10000.0 to 40000.0 µT"
            ),
            (
                "xorFold: 4\n    lanes: 128",
                "xorFold: found 4 with 128 lanes, expected lanes in multiples of 256"
            ),
            (
                "path: /dev/hwrng",
                "path: found /dev/hwrng, expected no path for a board of kind simulated"
            ),
            (
                "kind: host",
                "path: found no path, expected the path of a file for a board of kind host"
            ),
            (
                "lanes: 64\n    faults: at 0 stuckAt0 lanes 64",
                "faults: found there is no lane 64: the board has lanes 0 to 63, expected faults that"
                    + " the board can have"
            ),
        ])
    func conflicts(setting: String, problem: String) {
        let found = problems("boards:\n  - name: a\n    \(setting)\n")
        #expect(found.count == 1)
        #expect(found.first?.contains("boards[0].\(problem)") == true, "\(found)")
    }

    @Test("A device without a barrier between its states is refused, with what is wrong about it")
    func impossibleDevice() {
        let found = problems(
            "boards:\n  - array: {device: {anisotropyMillijoulesPerSquareMetre: 0.5}}\n")
        #expect(found.count == 1)
        #expect(found.first?.contains("boards[0].array: found a device with anisotropy") == true)
        #expect(found.first?.hasPrefix("m.yaml:2:") == true)
    }

    @Test(
        "A value just outside of what is possible is refused",
        arguments: [
            ("health: {startUpWindows: 1.5}", "an integer from 1 to 1000"),
            ("health: {startUpWindows: 1001}", "an integer from 1 to 1000"),
            ("health: {minimumGoodLanesPercent: 0}", "an integer from 1 to 100"),
            ("health: {minimumGoodLanesPercent: 101}", "an integer from 1 to 100"),
            ("health: {claimedEntropyPerBit: 0.09}", "a number from 0.1 to 1.0"),
            ("health: {claimedEntropyPerBit: 1.01}", "a number from 0.1 to 1.0"),
            ("health: {claimedEntropyPerBit: .nan}", "a number from 0.1 to 1.0"),
            ("health: {claimedEntropyPerBit: 1e999}", "a number from 0.1 to 1.0"),
            ("rings: {fullBytes: 65537}", "a power of two from 65536 to 268435456"),
            ("rings: {rawBytes: 32768}", "a power of two from 65536 to 268435456"),
            ("rings: {rawBytes: 536870912}", "a power of two from 65536 to 268435456"),
            ("boards: [{xorFold: 3}]", "one of 1, 2, 4"),
            ("boards: [{trim: {hold: yes}}]", "true or false"),
            ("boards: [{path: here}]", "an absolute path of at most 4095 bytes, or ''"),
            (
                "boards: [{operatingPoint: {pulseWidthPicoseconds: -1}}]",
                "preset, or a number from 0.0 to 100000.0"
            ),
            (
                "boards: [{faults: at noon stuckAt0}]",
                "faults such as 'at 2000000 stuckAt0 lanes 3,7-9 for 100000', separated by"
                    + " ; or new lines"
            ),
            ("rings: {lockMemory: true}", "one of required, ifPermitted, never"),
            ("rings: {lockMemory: Required}", "one of required, ifPermitted, never"),
            ("entropy: {maximumClients: 65537}", "an integer from 1 to 65536"),
            ("control: {maximumClients: 1025}", "an integer from 1 to 1024"),
            ("control: {maximumClients: -1}", "an integer from 1 to 1024"),
            ("control: {socketMode: 0660}", "an octal mode in quotes, from \"0000\" to \"0777\""),
            (
                "control: {socketMode: \"0668\"}",
                "an octal mode in quotes, from \"0000\" to \"0777\""
            ),
            (
                "control: {socketMode: \"1660\"}",
                "an octal mode in quotes, from \"0000\" to \"0777\""
            ),
            (
                "control: {socketMode: \"660\"}",
                "an octal mode in quotes, from \"0000\" to \"0777\""
            ),
            ("runtimeDirectory: run/metrng", "an absolute path of 1 to 94 bytes"),
            ("runtimeDirectory: \"/a\\0b\"", "an absolute path of 1 to 94 bytes"),
            ("runtimeDirectory: \"\"", "an absolute path of 1 to 94 bytes"),
            ("runtimeDirectory: 5", "an absolute path of 1 to 94 bytes"),
            ("boards: [{name: \"\"}]", "1 to 32 of the letters A-Z, a-z, digits, _ and -"),
            ("boards: [{name: a.b}]", "1 to 32 of the letters A-Z, a-z, digits, _ and -"),
            ("boards: [{name: no}]", "1 to 32 of the letters A-Z, a-z, digits, _ and -"),
            ("boards: [{name: é}]", "1 to 32 of the letters A-Z, a-z, digits, _ and -"),
            ("boards: [{kind: pci}]", "one of usb, simulated, replay, host"),
            ("boards: [{seed: -1}]", "kernel, or an integer from 0 to 18446744073709551615"),
            ("boards: [{seed: \"7\"}]", "kernel, or an integer from 0 to 18446744073709551615"),
            ("boards: [{shotsPerFrame: 4097}]", "an integer from 1 to 4096"),
            ("boards: [{shotsPerSecond: 0}]", "a number from 1.0 to 1000000000.0"),
            ("boards: [{array: {preset: half}}]", "one of quarterPeriod, damped"),
            ("boards: [{array: {temperatureKelvin: 0}}]", "a number from 250.0 to 400.0"),
            ("boards: [{array: {spread: {diameter: 0.5}}}]", "a number from 0.0 to 0.2"),
            ("boards: [{array: {readErrorRate: -0.1}}]", "a number from 0.0 to 0.1"),
            ("boards: [{array: {deadDeviceFraction: 1.1}}]", "a number from 0.0 to 1.0"),
            ("boards: [{array: []}]", "a mapping of keys to values"),
            ("boards: [array0]", "a mapping of keys to values"),
            ("boards: {name: array0}", "a list of boards"),
            ("log: info", "a mapping of keys to values"),
            ("- log", "a mapping of keys to values"),
            ("log", "a mapping of keys to values"),
        ])
    func outside(text: String, expected: String) throws {
        let found = problems(text)
        #expect(found.count == 1)
        #expect(found.first?.hasSuffix(", expected \(expected)") == true, "\(found)")
    }

    @Test("A path or a name may be as long as its limit and no longer")
    func lengths() {
        #expect(problems("runtimeDirectory: /\(String(repeating: "r", count: 93))") == [])
        #expect(problems("runtimeDirectory: /\(String(repeating: "r", count: 94))").count == 1)
        #expect(problems("boards: [{name: \(String(repeating: "n", count: 32))}]") == [])
        #expect(problems("boards: [{name: \(String(repeating: "n", count: 33))}]").count == 1)
    }

    @Test(
        "An unknown key is told with the nearest one, or with those there are",
        arguments: [
            ("logg: {level: info}", "1:1: logg: unknown key; did you mean \"log\"?"),
            (
                "rings: {fullbytes: 65536}",
                "1:9: rings.fullbytes: unknown key; did you mean \"fullBytes\"?"
            ),
            (
                "boards: [{lane: 64}]",
                "1:11: boards[0].lane: unknown key; did you mean \"lanes\"?"
            ),
            (
                "control: {port: 1}",
                "1:11: control.port: unknown key; the keys here are maximumClients, socketMode"
            ),
            (
                "log: {\"a\\nb\": 1}",
                "1:7: log.a\\u{a}b: unknown key; the keys here are level"
            ),
        ])
    func unknownKey(text: String, expected: String) {
        #expect(problems(text) == ["m.yaml:\(expected)"])
    }

    @Test("All problems are told, in the order of the file")
    func allProblems() {
        let text = """
            runtimeDirectory: here
            boards:
              - name: a
                lanes: 65
                lanse: 3
              - name: a
                seed: random
                seed: 5
                lanes: 4096
                shotsPerFrame: 4096
            health: *default
            ? [x, y]
            : 3
            rings: !ring {fullBytes: 5}
            runtimeDirectory: there
            """
        #expect(
            problems(text) == [
                "m.yaml:1:1: runtimeDirectory: this key is given more than once (also in line 15);"
                    + " keep one",
                "m.yaml:4:12: boards[0].lanes: found 65 (a number),"
                    + " expected a multiple of 64 from 64 to 4096",
                "m.yaml:5:5: boards[0].lanse: unknown key; did you mean \"lanes\"?",
                "m.yaml:6:11: boards[1].name: found a, expected a name other than that of boards[0]",
                "m.yaml:7:5: boards[1].seed: this key is given more than once (also in line 8);"
                    + " keep one",
                "m.yaml:10:20: boards[1].shotsPerFrame: found 4096 shots of 4096 lanes,"
                    + " expected frames of at most 1048576 bytes (shotsPerFrame * lanes / 8)",
                "m.yaml:11:9: health: a YAML alias is not allowed here; write the value itself",
                "m.yaml:12:3: found a list or a mapping, expected a key",
                "m.yaml:14:8: rings: a YAML tag is not allowed here; write the value itself",
                "m.yaml:15:19: runtimeDirectory: found there (text),"
                    + " expected an absolute path of 1 to 94 bytes",
            ])
    }

    @Test(
        "A key that is given twice is told with both lines, however it is quoted",
        arguments: [
            "log: {}\n\"log\": {}\n", "'log': {}\nlog: {}\n", "\"log\": {}\n'log': {}\n",
        ])
    func repeatedKey(text: String) {
        #expect(
            problems(text) == [
                "m.yaml:1:1: log: this key is given more than once (also in line 2); keep one"
            ])
    }

    @Test("Many repeated keys are told up to a limit, and the reading ends")
    func manyRepeatedKeys() {
        let keys = (0..<400).map { "k\($0 % 200): 1\n" }.joined()
        let found = problems(keys)
        #expect(found.count == 1)
        #expect(found.first?.hasSuffix("this key is given more than once; keep one") == true)
    }

    @Test("A second board that leaves its name out has the name of the first")
    func unnamedBoards() {
        #expect(
            problems("boards:\n  - lanes: 64\n  - lanes: 128\n") == [
                "m.yaml:3:5: boards[1].name: found array0,"
                    + " expected a name other than that of boards[0]"
            ])
    }
}

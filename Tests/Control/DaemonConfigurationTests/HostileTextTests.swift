// SPDX-License-Identifier: Apache-2.0

import DaemonConfiguration
import Testing

@Suite(
    "Text that is no configuration: other encodings, aliases, nesting, lengths, damage")
struct HostileTextTests {
    @Test(
        "Text that is not YAML is told with its line",
        arguments: [
            ("log: [\n", "2:1: not valid YAML: "),
            ("log:\n\tlevel: info\n", "2:1: not valid YAML: "),
            ("log: {level: info\nhealth: 3\n", "2:"),
            ("log: \"abc\n", "2:1: not valid YAML: "),
            ("log: 1\n level: 2\n", "2:7: not valid YAML: "),
            ("a: b: c\n", "1:5: not valid YAML: "),
            ("log: \u{1}\n", "1:6: not valid YAML: control characters are not allowed"),
            ("log: 1\nx\0: 2\n", "2:2: not valid YAML: control characters are not allowed"),
            ("%TAG ! tag:x,2000:\n%TAG ! tag:x,2000:\n--- 1", "2:"),
        ])
    func syntax(text: String, expected: String) {
        let found = problems(text)
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("m.yaml:\(expected)") == true, "\(found)")
    }

    @Test("A tab that indents is told as such")
    func tab() {
        #expect(
            problems("log:\n\tlevel: info\n").first?.hasSuffix("a tab cannot indent, use spaces")
                == true)
    }

    @Test(
        "A second document is refused where it starts",
        arguments: [
            ("log: {}\n---\nlog: {}\n", "3:1"), ("---\n---\n", "3:1"),
            ("log:\n...\n---\nlog:\n", "4:1"),
        ])
    func severalDocuments(text: String, place: String) {
        #expect(
            problems(text) == [
                "m.yaml:\(place): a second document starts here; keep one and remove \"---\""
            ])
    }

    @Test(
        "Text that is not UTF-8 is refused where it stops being so",
        arguments: [
            ([0xFF], "1:1"), (Array("log:\n  é: ".utf8) + [0xC3], "2:6"),
            (Array("a\n".utf8) + [0xED, 0xA0, 0x80], "2:1"), ([0xFF, 0xFE, 0x61, 0], "1:1"),
        ] as [([UInt8], String)])
    func notUTF8(bytes: [UInt8], place: String) {
        #expect(
            problems(bytes: bytes) == [
                "m.yaml:\(place): is not UTF-8 text from here on; save the file as UTF-8"
            ])
    }

    /// Yams takes a quarter of a second for the longest text, and stops at each repeated key.
    @Test(
        "A long text with repeated keys is read again once at most",
        arguments: [
            ("{" + String(repeating: "a,", count: 32_000) + "}", "1:4"),
            (
                (0..<15).map { "x\($0): 1\nx\($0): 2\n" }.joined() + "y: [\"&\","
                    + String(repeating: "{z},", count: 15_000) + "]", "3:1"
            ),
        ])
    func repeatedKeys(text: String, place: String) {
        #expect(problems(text) == ["m.yaml:\(place): this key is given more than once; keep one"])
    }

    @Test("A text of more than 64 KiB is refused, one of 64 KiB is read")
    func tooLarge() {
        let comment = [UInt8](repeating: UInt8(ascii: "#"), count: 1 << 16)
        #expect(problems(bytes: comment) == [])
        #expect(
            problems(bytes: comment + [10]) == [
                "m.yaml: is larger than 65536 bytes; name a YAML file"
            ])
    }

    @Test(
        "Anchors, aliases and tags are refused wherever they stand",
        arguments: [
            ("log: &a {level: info}", "1:6: log: a YAML anchor"),
            ("log: {level: &a info}", "1:14: log.level: a YAML anchor"),
            ("boards: [&a {name: x}]", "1:10: boards[0]: a YAML anchor"),
            ("boards: [&a {name: x}, *a]", "1:24: a YAML alias"),
            ("log: {level: *a}", "1:14: a YAML alias"),
            ("log: *a", "1:6: log: a YAML alias"),
            ("&a log: {}", "1:1: a YAML anchor"),
            ("log: {level: !!str info}", "1:14: log.level: a YAML tag"),
            ("boards: !!seq []", "1:9: boards: a YAML tag"),
            ("control: {maximumClients: !!int \"5\"}", "1:27: control.maximumClients: a YAML tag"),
            ("!x\nlog: {}", "1:1: a YAML tag"),
        ])
    func features(text: String, expected: String) {
        let found = problems(text)
        #expect(found.first?.hasPrefix("m.yaml:\(expected) is not allowed") == true, "\(found)")
    }

    @Test("Aliases that multiply are refused without being followed, as values and as keys")
    func aliasBombs() {
        let levels = (1...60).map { "l\($0): &l\($0) [*l\($0 - 1), *l\($0 - 1)]\n" }.joined()
        let bomb = "l0: &l0 [x]\n\(levels)? *l60\n: 1\n"
        let repeats = (1...40).map { "r\($0): 1\nr\($0): 2\n" }.joined()
        let texts = [
            "l0: &l0 [x]\n\(levels)", bomb, "\(bomb)---\nlog:\n", "\(bomb)\(repeats)",
            "\(bomb)log: [", "a: \"\n# \", &a [x]\nb: &b [*a, *a]\n? *b : 1\n",
        ]
        for text in texts { #expect(!problems(text).isEmpty) }
    }

    @Test(
        "Deep nesting is refused, in every notation",
        arguments: ["[", "{a: ", "- ", "? ", "[{a: ", "- - ? ", "[[[\n", "{? "])
    func deepNesting(level: String) {
        let text = String(repeating: level, count: maximumConfigurationBytes / level.utf8.count)
        #expect(problems(text).count == 1)
    }

    /// Yams puts repeated keys in order, and compares keys within keys in time that doubles with each level.
    @Test(
        "Keys within keys are refused at once, however deep",
        arguments: [("? ", "", "\n"), ("{", ": 1}", ": 1, ")])
    func nestedKeys(open: String, close: String, separator: String) {
        let keys = ["a", "b", "a", "b"].map { innermost in
            String(repeating: open, count: 60) + innermost + String(repeating: close, count: 60)
        }
        let entries = keys.joined(separator: separator)
        let isFlow = !close.isEmpty
        let text = isFlow ? "{\(entries): 1}" : entries
        #expect(
            problems(text) == [
                "m.yaml:1:\(isFlow ? 66 : 1): found a list or a mapping, expected a key"
            ])
    }

    @Test("Texts that look like such keys are read as they are")
    func harmlessQuestions() {
        let comments = String(repeating: "# ? ? {a}: what? [b]: no\n", count: 100)
        let inside = "log: {level: info} # is this right? it is: really?\n"
        #expect(problems(comments + String(repeating: "# what?\n", count: 50) + inside) == [])
    }

    @Test("Nesting to what the YAML reader allows is read and refused for what it is")
    func allowedNesting() {
        let text = String(repeating: "[", count: 900) + String(repeating: "]", count: 900)
        #expect(
            problems("log: \(text)") == [
                "m.yaml:1:6: log: found a list, expected a mapping of keys to values"
            ])
    }

    @Test("A message shows neither long values nor what could disturb a terminal")
    func harmlessMessages() {
        let long = String(repeating: "x", count: 500)
        let text = "log: {level: \"\\e[2J\\u202e\(long)\"}"
        let expected = "\\u{1b}[2J\\u{202e}" + String(repeating: "x", count: 35) + "…"
        #expect(
            problems(text) == [
                "m.yaml:1:14: log.level: found \"\(expected)\" (text),"
                    + " expected one of debug, info, warning, error"
            ])
    }

    @Test("Damaged text never stops the process", arguments: 0..<8)
    func damagedText(seed: Int) {
        var generator = SplitMix(state: UInt64(seed))
        let original = Array(everyKey.utf8)
        let marks = Array("&*!?-:[]{}'\"#|>%@`,\n\t \u{0}\u{7f}~0".utf8) + [0xC2, 0xFF, 0xE2]
        for _ in 0..<100 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...12, using: &generator) {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                let mark = marks[Int.random(in: 0..<marks.count, using: &generator)]
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[index] = mark
                case 1: bytes.insert(mark, at: index)
                default: bytes.removeSubrange(index..<min(bytes.count, index + 9))
                }
            }
            let found = problems(bytes: bytes)
            #expect(found.allSatisfy { $0.hasPrefix("m.yaml:") })
        }
    }
}

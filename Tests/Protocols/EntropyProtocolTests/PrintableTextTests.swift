// SPDX-License-Identifier: Apache-2.0

import EntropyTerms
import Testing

@Suite("Text from outside, made printable, and JSON made safe for a terminal")
struct PrintableTextTests {
    /// C0, DEL, C1, bidirectional controls and isolates, marks, a zero-width joiner, separators, a language tag.
    private static let disturbing: [Unicode.Scalar] =
        (0..<0x20).map { Unicode.Scalar(UInt8($0)) } + (0x7F..<0xA0).map { Unicode.Scalar(UInt8($0)) }
        + [
            "\u{200E}", "\u{200F}", "\u{061C}", "\u{202A}", "\u{202E}", "\u{2066}", "\u{2069}", "\u{200D}",
            "\u{FEFF}", "\u{2028}", "\u{2029}", "\u{E0041}",
        ]

    @Test("Every disturbing character is replaced by one U+FFFD", arguments: disturbing)
    func replaced(scalar: Unicode.Scalar) {
        #expect(Array("a\(scalar)b".printable.unicodeScalars) == ["a", "\u{FFFD}", "b"])
    }

    @Test("Other text stays as it is", arguments: ["", "SIM-1", "µ-Board 7 é", "磁気トンネル接合", "🎲", "e\u{301}"])
    func kept(text: String) {
        #expect(text.printable == text)
        #expect(text.escapedJSON == text)
    }

    @Test(
        "Disturbing characters of JSON are escaped",
        arguments: [
            ("{\"a\":\"\u{202E}b\u{9B}\"}", #"{"a":"\u202eb\u009b"}"#),
            ("\"\u{E0041}\"", #""\udb40\udc41""#),
        ])
    func escaped(text: String, expected: String) {
        #expect(text.escapedJSON == expected)
    }
}

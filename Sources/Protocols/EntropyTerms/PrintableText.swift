// SPDX-License-Identifier: Apache-2.0

extension String {
    /// The text with each character that could disturb a terminal, forge a line of a log or reorder the text around
    /// it replaced by U+FFFD: control characters (C0, DEL, C1), format characters (among them those for bidirectional
    /// text) and separators of lines.
    ///
    /// For texts from outside, as boards, recordings and other processes give them.
    package var printable: String {
        guard unicodeScalars.contains(where: \.isDisturbing) else { return self }
        return String(
            String.UnicodeScalarView(
                unicodeScalars.map { $0.isDisturbing ? "\u{FFFD}" : $0 }))
    }

    /// JSON text with the characters that `printable` replaces escaped: the same value, safe for a terminal.
    package var escapedJSON: String {
        guard unicodeScalars.contains(where: \.isDisturbing) else { return self }
        return unicodeScalars.map { scalar in
            scalar.isDisturbing ? scalar.escaped : String(scalar)
        }.joined()
    }
}

extension Unicode.Scalar {
    fileprivate var isDisturbing: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: true
        default: false
        }
    }

    /// The escape sequence of JSON.
    fileprivate var escaped: String {
        UTF16.encode(self).map { units in
            units.map { unit in
                let digits = String(unit, radix: 16)
                return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }.joined()
        } ?? ""
    }
}

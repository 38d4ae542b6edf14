// SPDX-License-Identifier: Apache-2.0

extension String {
    /// The text for a terminal that shows ASCII only: symbols by similar characters or words, others by question marks.
    var inASCII: String {
        guard !utf8.allSatisfy({ $0 < 0x80 }) else { return self }
        return unicodeScalars.map { scalar in
            if scalar.isASCII { return String(scalar) }
            if let known = replacements[scalar] { return known }
            // Braille patterns are the dots of curves; the first of them is blank.
            if (0x2801...0x28FF).contains(scalar.value) { return "*" }
            return scalar.value == 0x2800 ? " " : "?"
        }.joined()
    }
}

/// The replacements of the symbols of this program. Shades rise as those that they replace.
private let replacements: [Unicode.Scalar: String] = [
    "—": "-", "●": "*", "○": "o", "×": "x", "·": ":", "▲": "^", "…": "...", "°": "deg ", "µ": "u", "Ω": "Ohm",
    "½": "1/2", "¼": "1/4", "¾": "3/4", "│": "|", "┤": "|", "└": "+", "┬": "+", "─": "-", "╌": "-",
    "▁": "_", "▂": ".", "▃": "-", "▄": "=", "▅": "+", "▆": "*", "▇": "#", "█": "#",
]

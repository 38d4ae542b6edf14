// SPDX-License-Identifier: Apache-2.0

/// Whether text may have colours.
package enum Palette: Sendable {
    case plain
    case colored

    enum Color: Int {
        case red = 31
        case green = 32
        case yellow = 33
    }

    func paint(_ text: String, _ color: Color) -> String {
        switch self {
        case .plain: text
        case .colored: "\u{1B}[\(color.rawValue)m\(text)\u{1B}[0m"
        }
    }
}

enum Alignment {
    case left
    case right
}

func padded(_ text: String, to width: Int, _ alignment: Alignment = .left) -> String {
    let space = String(repeating: " ", count: max(0, width - text.count))
    return alignment == .left ? text + space : space + text
}

/// Rows in columns as wide as they need to be, two spaces between; every line ends with a newline.
func table(_ rows: [[String]], _ alignments: [Alignment]) -> String {
    let widths = alignments.indices.map { column in
        rows.map { $0[column].count }.max() ?? 0
    }
    return rows.map { row in
        let cells = alignments.indices.map { padded(row[$0], to: widths[$0], alignments[$0]) }
        return withoutTrailingSpaces(cells.joined(separator: "  ")) + "\n"
    }.joined()
}

func withoutTrailingSpaces(_ text: String) -> String {
    var rest = text[...]
    while rest.last == " " { rest.removeLast() }
    return String(rest)
}

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

/// Text whose lines fit into so many columns: longer lines go on below, indented under the value of a fact
/// (`Lanes: 510/512 …`) or by two spaces. Control sequences of colours take no columns.
///
/// A terminal with fewer than 40 columns gets the text as it is: nothing would be readable beside the indentation.
package func folded(_ text: String, columns: Int) -> String {
    guard columns >= 40 else { return text }
    return text.split(separator: "\n", omittingEmptySubsequences: false)
        .map { foldedLine($0, columns: columns) }.joined(separator: "\n")
}

/// The width of the names of facts, to the right of which their values begin.
let factNameWidth = 14

private func foldedLine(_ line: Substring, columns: Int) -> String {
    let isFact = line.dropFirst(factNameWidth).hasPrefix(": ")
    let indentation = String(repeating: " ", count: isFact ? factNameWidth + 2 : 2)
    var (shown, width) = ("", 0)
    // The space before a word is a part of the word, so that spaces inside a line stay as they are.
    for word in words(line) {
        let wordWidth = visibleWidth(word)
        if width + wordWidth > columns, !shown.isEmpty {
            let rest = word.drop { $0 == " " }
            shown += "\n" + indentation + rest
            width = indentation.count + visibleWidth(rest)
        } else {
            shown += word
            width += wordWidth
        }
    }
    return shown
}

/// The words of a line, each with the spaces before it. A number and its unit are one word.
private func words(_ line: Substring) -> [Substring] {
    var (words, start) = ([Substring](), line.startIndex)
    var previous: Character = " "
    for index in line.indices {
        let isEnd = line[index] == " " && previous != " "
        if isEnd, !previous.isNumber || line[index...].hasPrefix("  ") {
            words.append(line[start..<index])
            start = index
        }
        previous = line[index]
    }
    return words + [line[start...]]
}

/// Whether no line of a text is longer than a terminal is wide; nil for any width.
func fits(_ text: String, columns: Int?) -> Bool {
    columns.map { columns in text.split(separator: "\n").allSatisfy { $0.count <= columns } } ?? true
}

/// Pieces that are not broken, each behind the one before it and its own separator where that fits, and otherwise at the
/// margin of the next line.
func lines(of pieces: [(separator: String, text: String)], margin: Int, columns: Int) -> String {
    var lines: [String] = []
    for (separator, text) in pieces {
        let longer = (lines.last ?? "") + separator + text
        if !lines.isEmpty, margin + visibleWidth(longer[...]) <= columns {
            lines[lines.count - 1] = longer
        } else {
            lines.append(text)
        }
    }
    return lines.map { padded("", to: margin) + $0 + "\n" }.joined()
}

/// How many columns text takes: control sequences of colours end with an m and take none.
private func visibleWidth(_ text: Substring) -> Int {
    var (width, isSequence) = (0, false)
    for character in text {
        if character == "\u{1B}" { isSequence = true }
        if !isSequence { width += 1 }
        if character == "m" { isSequence = false }
    }
    return width
}

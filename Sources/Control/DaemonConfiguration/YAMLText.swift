// SPDX-License-Identifier: Apache-2.0

/// The text of a YAML file, by line and column as the YAML reader counts them.
struct YAMLText: Sendable, Equatable {
    private var lines: [[Unicode.Scalar]]

    init(_ text: String) {
        var lines: [[Unicode.Scalar]] = [[]]
        var previous: Unicode.Scalar?
        for scalar in text.unicodeScalars {
            defer { previous = scalar }
            if scalar == "\n" && previous == "\r" { continue }
            if Self.isLineBreak(scalar) {
                lines.append([])
            } else {
                lines[lines.count - 1].append(scalar)
            }
        }
        self.lines = lines
    }

    /// The line breaks of YAML 1.1.
    private static func isLineBreak(_ scalar: Unicode.Scalar) -> Bool {
        ["\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"].contains(scalar)
    }

    /// The whole text, with one kind of line break.
    var string: String {
        var string = String.UnicodeScalarView()
        string.append(contentsOf: lines.joined(separator: ["\n"]))
        return String(string)
    }

    /// The number of scalars, a line break counting as one.
    var count: Int { lines.reduce(lines.count - 1) { $0 + $1.count } }

    /// The scalar at `position`; `nil` at the end of a line and outside the text.
    subscript(position: Position) -> Unicode.Scalar? {
        tail(at: position)?.first
    }

    /// What is written at `position`, if it is something that a configuration may not use.
    func refusedFeature(at position: Position) -> YAMLFeature? {
        switch self[position] {
        case "&": .anchor
        case "*": .alias
        case "!": .tag
        default: nil
        }
    }

    /// Where the scalar with this number (from 0, a line break counting as one) is.
    func position(ofScalar offset: Int) -> Position {
        var remaining = offset
        for (index, line) in lines.enumerated() {
            if remaining <= line.count { return Position(line: index + 1, column: remaining + 1) }
            remaining -= line.count + 1
        }
        return Position(line: lines.count, column: 1)
    }

    /// The same text, every place unmoved, with what starts anchors and aliases turned into what
    /// starts tags.
    ///
    /// A tag may stand wherever an anchor or an alias may, so the structure remains.
    func withoutReferences() -> YAMLText {
        var copy = self
        copy.lines = lines.map { $0.map { $0 == "&" || $0 == "*" ? "!" : $0 } }
        return copy
    }

    /// Every place at which a key that is a list or a mapping may begin or end, and perhaps others: where `?` stands
    /// by itself, and where a bracket is closed before a colon.
    ///
    /// Lines that begin with `#` hold no structure: they are comments, or within a text of several lines.
    var possibleNestedKeys: [Position] {
        var positions: [Position] = []
        for (index, line) in lines.enumerated() {
            guard line.first(where: { !Self.isBlank($0) }) != "#" else { continue }
            for column in line.indices where Self.mayBeNestedKey(at: column, in: line) {
                positions.append(Position(line: index + 1, column: column + 1))
            }
        }
        return positions
    }

    private static func mayBeNestedKey(at column: Int, in line: [Unicode.Scalar]) -> Bool {
        switch line[column] {
        case "?":
            let isInsideWord =
                column > 0 && !(isBlank(line[column - 1]) || isFlow(line[column - 1]))
            return !isInsideWord
        case "]", "}":
            return line[(column + 1)...].first { !isBlank($0) } == ":"
        default:
            return false
        }
    }

    private static func isBlank(_ scalar: Unicode.Scalar) -> Bool {
        scalar == " " || scalar == "\t"
    }

    private static func isFlow(_ scalar: Unicode.Scalar) -> Bool {
        ["[", "]", "{", "}", ",", ":", "?", "-", "\"", "'", "\u{FEFF}"].contains(scalar)
    }

    /// Overwrites the key that is written at `position` with a name that is as long and not used
    /// otherwise. Returns whether the key was found there.
    mutating func hideKey(_ key: String, at position: Position, number: UInt32) -> Bool {
        let key = Array(key.unicodeScalars)
        guard let name = Unicode.Scalar(0xE000 + number), let tail = tail(at: position) else {
            return false
        }
        let start = tail.first == "\"" || tail.first == "'" ? tail.startIndex + 1 : tail.startIndex
        guard !key.isEmpty, tail[start...].starts(with: key) else { return false }
        lines[position.line - 1].replaceSubrange(
            start..<start + key.count, with: repeatElement(name, count: key.count))
        return true
    }

    private func tail(at position: Position) -> ArraySlice<Unicode.Scalar>? {
        guard lines.indices.contains(position.line - 1) else { return nil }
        let line = lines[position.line - 1]
        return line.indices.contains(position.column - 1) ? line[(position.column - 1)...] : nil
    }
}

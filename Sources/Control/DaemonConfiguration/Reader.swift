// SPDX-License-Identifier: Apache-2.0

/// The longest configuration file that is read, in bytes: some two hundred boards.
///
/// The YAML reader takes time that grows with the square of the length (half a minute for a mebibyte of
/// repeated keys), in which a running daemon would not even stop.
package let maximumConfigurationBytes = 1 << 16

/// A configuration file's name, for messages, and its content.
package struct ConfigurationFile: Sendable, Equatable {
    package let name: String
    package let bytes: [UInt8]

    package init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
    }
}

extension DaemonSettings {
    /// The settings that `files` make together, from the built-in ones up: a later file wins for each
    /// key it has, and for the list of boards as a whole.
    ///
    /// Throws everything that is wrong in all the files.
    package init(reading files: [ConfigurationFile]) throws(ConfigurationError) {
        self.init()
        var problems: [ConfigurationProblem] = []
        var places: [String: (origin: ConfigurationOrigin, position: Position)] = [:]
        for file in files {
            var reader = Reader(origin: .file(file.name))
            reader.read(file.bytes, into: &self)
            problems += reader.problems
            for (key, position) in reader.positions { places[key] = (reader.origin, position) }
        }
        for conflict in provenanceConflicts {
            // A setting that no file has is the built-in one, which no board forbids.
            guard let (origin, position) = places[conflict.key] else { continue }
            problems.append(.init(origin: origin, position: position, key: conflict.key, fault: conflict.fault))
        }
        if !problems.isEmpty { throw ConfigurationError(problems: problems) }
    }
}

/// Reads one file into settings and keeps what is wrong with it.
private struct Reader {
    let origin: ConfigurationOrigin
    private(set) var problems: [ConfigurationProblem] = []
    /// Where the values are that were read, by the keys that lead to them.
    private(set) var positions: [String: Position] = [:]

    init(origin: ConfigurationOrigin) {
        self.origin = origin
    }

    mutating func read(_ bytes: [UInt8], into settings: inout DaemonSettings) {
        guard bytes.count <= maximumConfigurationBytes else { return report(.tooLarge) }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            return report(.notUTF8, at: endOfText(bytes))
        }
        let document = YAMLDocument(String(text.trimmingByteOrderMark))
        for finding in document.findings {
            report(finding.fault, at: finding.position, key: finding.key)
        }
        if let root = document.root, !root.isNothing {
            read(root, as: DaemonSettings.fields, key: "", into: &settings)
        }
        problems.sort { ($0.position ?? .start) < ($1.position ?? .start) }
    }

    /// Reads a mapping. Returns where the keys are that it had and that were read.
    @discardableResult
    private mutating func read<Owner>(
        _ value: YAMLValue, as fields: [Field<Owner>], key: String, into owner: inout Owner
    ) -> [String: Position] {
        guard case .mapping(let entries) = value.content else {
            reportWrong(value, expected: "a mapping of keys to values", key: key)
            return [:]
        }
        var read: [String: Position] = [:]
        for entry in entries {
            let path = key.appending(key: entry.key)
            guard let field = fields.first(where: { $0.name == entry.key }) else {
                reportUnknown(entry, among: fields.map(\.name), key: path)
                continue
            }
            if self.read(entry.value, as: field, key: path, into: &owner) {
                read[entry.key] = entry.value.position
                positions[path] = entry.value.position
            }
        }
        return read
    }

    /// Reads what stands behind a key. A section or a list with nothing in it sets nothing.
    private mutating func read<Owner>(
        _ value: YAMLValue, as field: Field<Owner>, key: String, into owner: inout Owner
    ) -> Bool {
        switch field {
        case .value(_, let leaf):
            if case .scalar(let scalar) = value.content, leaf.read(scalar, &owner) { return true }
            reportWrong(value, expected: leaf.expected, key: key)
            return false
        case .section(_, let fields):
            if !value.isNothing { read(value, as: fields, key: key, into: &owner) }
            return true
        case .boards(_, let path):
            if !value.isNothing { readBoards(value, key: key, into: &owner[keyPath: path]) }
            return true
        }
    }

    private mutating func readBoards(
        _ value: YAMLValue, key: String, into boards: inout [BoardSettings]
    ) {
        guard case .list(let items) = value.content else {
            return reportWrong(value, expected: "a list of boards", key: key)
        }
        boards = []
        for (index, item) in items.enumerated() {
            var board = BoardSettings()
            let path = "\(key)[\(index)]"
            let read = read(item, as: BoardSettings.fields, key: path, into: &board)
            checkFrame(of: board, at: read["shotsPerFrame"] ?? read["lanes"], key: path)
            check(board, at: read, item.position, key: path)
            if let conflict = board.firstConflict(with: boards, at: key) {
                let key = path.appending(key: conflict.key)
                report(
                    .value(found: conflict.found, expected: conflict.expected),
                    at: positions[key] ?? item.position, key: key)
            }
            boards.append(board)
        }
    }

    /// `position` is that of the key that makes the frame as large as it is: the built-in values fit.
    private mutating func checkFrame(of board: BoardSettings, at position: Position?, key: String) {
        guard let position, board.frameBytes > BoardSettings.maximumFrameBytes else { return }
        report(
            .value(
                found: "\(board.shotsPerFrame) shots of \(board.lanes) lanes",
                expected: "frames of at most \(BoardSettings.maximumFrameBytes) bytes"
                    + " (shotsPerFrame * lanes / 8)"),
            at: position, key: key.appending(key: "shotsPerFrame"))
    }

    /// What no key shows by itself.
    private mutating func check(
        _ board: BoardSettings, at read: [String: Position], _ position: Position, key: String
    ) {
        for conflict in board.conflicts {
            report(
                .value(found: conflict.found, expected: conflict.expected),
                at: read[conflict.key] ?? position, key: key.appending(key: conflict.key))
        }
    }

    private mutating func reportWrong(_ value: YAMLValue, expected: String, key: String) {
        if value.content == .refused { return }
        report(.value(found: value.found, expected: expected), at: value.position, key: key)
    }

    private mutating func reportUnknown(_ entry: YAMLEntry, among known: [String], key: String) {
        let nearest = nearestKey(to: entry.key, among: known)
        report(.unknownKey(nearest: nearest, known: known), at: entry.position, key: key)
    }

    private mutating func report(
        _ fault: ConfigurationFault, at position: Position? = nil, key: String = ""
    ) {
        problems.append(.init(origin: origin, position: position, key: key, fault: fault))
    }
}

extension Position: Comparable {
    fileprivate static var start: Position { Position(line: 1, column: 1) }

    package static func < (left: Position, right: Position) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}

extension String {
    /// Editors of other systems start a file with this mark; to libyaml it would be an indentation.
    fileprivate var trimmingByteOrderMark: Substring.UnicodeScalarView {
        unicodeScalars.first == "\u{FEFF}" ? unicodeScalars.dropFirst() : unicodeScalars[...]
    }
}

/// Where bytes stop being UTF-8.
private func endOfText(_ bytes: [UInt8]) -> Position {
    var parser = Unicode.UTF8.ForwardParser()
    var iterator = bytes.makeIterator()
    var (line, column) = (1, 1)
    while case .valid(let encoded) = parser.parseScalar(from: &iterator) {
        let isLineFeed = encoded.first == UInt8(ascii: "\n")
        (line, column) = isLineFeed ? (line + 1, 1) : (line, column + 1)
    }
    return Position(line: line, column: column)
}

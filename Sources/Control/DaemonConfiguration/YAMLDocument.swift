// SPDX-License-Identifier: Apache-2.0

import Yams

/// A YAML text read as one document of mappings, lists and scalars, or what is wrong with it.
///
/// Nothing but the text's own length bounds the work: libyaml stops at 1,000 levels, anchors and aliases are found
/// and refused before a reader that follows them sees the text, and so are keys that are themselves mappings
/// within mappings, which Yams compares in time that doubles with each level.
struct YAMLDocument: Sendable, Equatable {
    /// A problem and the keys that lead to it.
    struct Finding: Sendable, Equatable {
        let position: Position
        let key: String
        let fault: ConfigurationFault
    }

    /// `nil` for an empty document, or when what was found ends the reading.
    private(set) var root: YAMLValue?
    private(set) var findings: [Finding] = []

    /// The most places at which Yams may meet a key that is a list or a mapping. A file that uses metrngd's keys has
    /// none, but for texts that look like one.
    private static let maximumNestedKeys = 8

    init(_ string: String) {
        let text = YAMLText(string)
        let nested = text.possibleNestedKeys
        guard nested.count <= Self.maximumNestedKeys else {
            self.init(refused: Finding(position: nested[0], key: "", fault: .keyIsNotText))
            return
        }
        let masked = text.withoutReferences()
        self.init(masked, asWritten: text)
        // All of the text was seen and "&" and "*" stand in comments or inside values only: those are
        // to be read as written.
        if masked != text && root != nil && !findings.contains(where: { $0.fault.isReference }) {
            self.init(text, asWritten: text)
        }
    }

    private init(refused finding: Finding) { findings = [finding] }

    private init(_ text: YAMLText, asWritten: YAMLText) {
        do {
            var source = YAMLSource(text: text, asWritten: asWritten)
            let node = try source.document()
            var builder = TreeBuilder(text: asWritten, repeated: source.repeated)
            root = node.map { builder.value($0, key: "") }
            findings = builder.findings
        } catch {
            findings = [Finding(position: error.position, key: "", fault: error.fault)]
        }
    }
}

extension ConfigurationFault {
    fileprivate var isReference: Bool { self == .refused(.anchor) || self == .refused(.alias) }
}

/// Makes our values from Yams' nodes, and reports what a configuration may not use.
private struct TreeBuilder {
    let text: YAMLText
    let repeated: [Position: String]
    var findings: [YAMLDocument.Finding] = []
    /// A tagged mapping and its first key can stand at the same place: reported once.
    private var refused: Set<Position> = []

    init(text: YAMLText, repeated: [Position: String]) {
        self.text = text
        self.repeated = repeated
    }

    mutating func value(_ node: Node, key: String) -> YAMLValue {
        let position = Position(node.mark)
        if refuses(position, key: key) { return YAMLValue(content: .refused, position: position) }
        return YAMLValue(content: content(node, key: key), position: position)
    }

    private mutating func content(_ node: Node, key: String) -> YAMLValue.Content {
        switch node {
        case .scalar(let scalar):
            return .scalar(YAMLScalar(text: scalar.string, isPlain: scalar.style == .plain))
        case .sequence(let list):
            var values: [YAMLValue] = []
            for (index, item) in list.enumerated() {
                values.append(value(item, key: key + "[\(index)]"))
            }
            return .list(values)
        case .mapping(let mapping):
            return .mapping(entries(mapping, key: key))
        case .alias:
            return .refused
        }
    }

    private mutating func entries(_ mapping: Node.Mapping, key: String) -> [YAMLEntry] {
        var entries: [YAMLEntry] = []
        var hidden: [(name: String, position: Position)] = []
        for (name, value) in mapping {
            let position = Position(name.mark)
            if let original = repeated[position] {
                hidden.append((original, position))
            } else if let entry = entry(name, value, at: position, key: key) {
                entries.append(entry)
            }
        }
        for (name, position) in hidden {
            let other = entries.last { $0.key == name }?.position.line
            report(.repeatedKey(otherLine: other), at: position, key: key.appending(key: name))
        }
        return entries
    }

    private mutating func entry(
        _ name: Node, _ node: Node, at position: Position, key: String
    ) -> YAMLEntry? {
        guard case .scalar(let scalar) = name else {
            report(.keyIsNotText, at: position, key: key)
            return nil
        }
        if refuses(position, key: key.appending(key: scalar.string)) { return nil }
        let value = value(node, key: key.appending(key: scalar.string))
        return YAMLEntry(key: scalar.string, position: position, value: value)
    }

    /// Whether an anchor, an alias or a tag is written at `position`.
    private mutating func refuses(_ position: Position, key: String) -> Bool {
        guard let feature = text.refusedFeature(at: position) else { return false }
        if refused.insert(position).inserted {
            report(.refused(feature), at: position, key: key)
        }
        return true
    }

    private mutating func report(_ fault: ConfigurationFault, at position: Position, key: String) {
        findings.append(.init(position: position, key: key, fault: fault))
    }
}

extension String {
    /// The path of the key `name` in the mapping at the path `self`.
    func appending(key name: String) -> String {
        isEmpty ? excerpt(name) : "\(self).\(excerpt(name))"
    }
}

extension Position {
    init(_ mark: Mark?) {
        self.init(line: mark?.line ?? 1, column: mark?.column ?? 1)
    }
}

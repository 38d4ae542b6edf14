// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What docs/json.md says, read well enough to hold the JSON of `mectl` against it.
package struct JSONDocument: Sendable {
    /// The types of the keys of an object, by key.
    package typealias Fields = [String: String]

    /// By the name of the object.
    package let objects: [String: Fields]
    /// The object that each verb prints.
    package let verbs: [String: String]

    package init() throws {
        self.init(try textLines(ofFile: repositoryFile("docs/json.md")))
    }

    package init(_ lines: [Substring]) {
        var objects: [String: Fields] = [:]
        var verbs: [String: String] = [:]
        var name = ""
        for line in lines {
            if let heading = line.wholeMatch(of: /##+ (\w+)/) { name = String(heading.output.1) }
            if let row = line.wholeMatch(of: /\| `(\w+)` \| ([^|]+) \|[^|]*\|[^|]*\|/) {
                objects[name, default: [:]][String(row.output.1)] = String(row.output.2)
            }
            if let row = line.wholeMatch(of: /\| (.*) \| \[`(\w+)`\]\(#\w+\) \|/) {
                for verb in row.output.1.matches(of: /`([a-z -]+)`/) {
                    verbs[String(verb.output.1)] = String(row.output.2)
                }
            }
        }
        self.objects = objects
        self.verbs = verbs
    }

    /// What keeps a text from being one object of a name, as a path and a reason; nil when nothing does.
    ///
    /// - Parameter seen: receives the names of the objects in it.
    package func flaw(in json: some Collection<UInt8>, as name: String, seen: inout Set<String>) -> String? {
        guard let value = try? JSONDecoder().decode(Value.self, from: Data(json)) else { return "\(name) is no JSON" }
        return flaw(in: value, as: name, at: name, seen: &seen)
    }

    private func flaw(in value: Value, as type: String, at path: String, seen: inout Set<String>) -> String? {
        if type.hasSuffix(" or null") {
            return value == .null ? nil : flaw(in: value, as: String(type.dropLast(8)), at: path, seen: &seen)
        }
        if type.hasSuffix("[]") {
            guard case .list(let elements) = value else { return "\(path) is no list" }
            let element = String(type.dropLast(2))
            return elements.compactMap { flaw(in: $0, as: element, at: "\(path)[]", seen: &seen) }.first
        }
        guard let fields = objects[type] else { return value.isPlain(type) ? nil : "\(path) is no \(type)" }
        seen.insert(type)
        guard case .object(let members) = value else { return "\(path) is no object" }
        let difference = Set(members.keys).symmetricDifference(fields.keys)
        guard difference.isEmpty else { return "\(path) differs in \(difference.sorted())" }
        return members.compactMap { key, member in
            flaw(in: member, as: fields[key] ?? "", at: "\(path).\(key)", seen: &seen)
        }.first
    }
}

/// A value of JSON.
private enum Value: Decodable, Equatable {
    case null
    case boolean
    case integer
    case number
    case string
    case list([Value])
    case object([String: Value])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if (try? container.decode(Bool.self)) != nil {
            self = .boolean
        } else if (try? container.decode(Int.self)) != nil {
            self = .integer
        } else if (try? container.decode(Double.self)) != nil {
            self = .number
        } else if (try? container.decode(String.self)) != nil {
            self = .string
        } else if let elements = try? container.decode([Value].self) {
            self = .list(elements)
        } else {
            self = .object(try container.decode([String: Value].self))
        }
    }

    func isPlain(_ type: String) -> Bool {
        switch type {
        case "string", "name": self == .string
        case "boolean": self == .boolean
        case "integer": self == .integer
        // A number without a fraction is written as an integer.
        case "number": self == .number || self == .integer
        default: false
        }
    }
}

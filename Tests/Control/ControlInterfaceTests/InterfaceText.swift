// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import Varlink

/// What the interface text says, read well enough to hold values against it.
struct InterfaceText {
    typealias Fields = [String: String]

    private(set) var types: [String: Fields] = [:]
    private(set) var methods: [String: (parameters: Fields, reply: Fields)] = [:]
    private(set) var errors: [String: Fields] = [:]

    /// Reads definitions such as `type Name (field: type, …)`; nothing is nested in this interface.
    init(_ text: String) {
        let code = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.joined(separator: " ")
        let pieces = code.split(separator: ")", omittingEmptySubsequences: true)
        var method = ""
        for piece in pieces {
            let halves = piece.split(separator: "(", omittingEmptySubsequences: false)
            guard halves.count == 2 else { continue }
            let words = halves[0].split(separator: " ")
            let fields = Self.fields(halves[1])
            let name = words.last.map(String.init) ?? ""
            switch words.dropLast().last {
            case "type": types[name] = fields
            case "error": errors[name] = fields
            case "method":
                method = name
                methods[method] = (fields, [:])
            default: methods[method]?.reply = fields
            }
        }
    }

    private static func fields(_ text: Substring) -> Fields {
        Dictionary(
            text.split(separator: ",").map { field in
                let parts = field.split(separator: ":").map { $0.filter { $0 != " " } }
                return (parts[0], parts[1])
            }, uniquingKeysWith: { $1 })
    }

    /// What keeps a value from being of a type, as a path and a reason; nil when nothing does.
    func flaw(in value: JSONValue, as type: String, at path: String) -> String? {
        switch (type, value) {
        case (_, .null) where type.hasPrefix("?"): return nil
        case (_, _) where type.hasPrefix("?"):
            return flaw(in: value, as: String(type.dropFirst()), at: path)
        case (_, .array(let elements)) where type.hasPrefix("[]"):
            let element = String(type.dropFirst(2))
            return elements.lazy.compactMap { flaw(in: $0, as: element, at: "\(path)[]") }.first
        case ("bool", .bool), ("int", .integer), ("float", .integer), ("float", .number),
            ("string", .string):
            return nil
        default:
            guard let fields = types[type] else { return "\(path) is no \(type)" }
            return flaw(in: value, having: fields, at: path)
        }
    }

    /// The same for an object with certain fields, of which each has to be there and no other.
    func flaw(in value: JSONValue, having fields: Fields, at path: String) -> String? {
        guard case .object(let members) = value else { return "\(path) is no object" }
        let difference = Set(members.keys).symmetricDifference(fields.keys)
        guard difference.isEmpty else { return "\(path) differs in \(difference.sorted())" }
        return members.lazy.compactMap { name, member in
            flaw(in: member, as: fields[name] ?? "", at: "\(path).\(name)")
        }.first
    }
}

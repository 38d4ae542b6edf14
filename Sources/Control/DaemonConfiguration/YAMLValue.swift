// SPDX-License-Identifier: Apache-2.0

/// A value of a YAML document and where it stands.
struct YAMLValue: Sendable, Equatable {
    enum Content: Sendable, Equatable {
        case scalar(YAMLScalar)
        case list([YAMLValue])
        case mapping([YAMLEntry])
        /// Already reported as a problem.
        case refused
    }

    let content: Content
    let position: Position

    /// Nothing was written behind the key.
    var isNothing: Bool {
        if case .scalar(let scalar) = content { scalar.kind == .nothing } else { false }
    }

    /// The value in the words of an error message.
    var found: String {
        switch content {
        case .scalar(let scalar): scalar.found
        case .list: "a list"
        case .mapping: "a mapping"
        case .refused: "YAML that is not allowed"
        }
    }
}

/// A key with its value. `position` is that of the key.
struct YAMLEntry: Sendable, Equatable {
    let key: String
    let position: Position
    let value: YAMLValue
}

/// A scalar as it was written.
struct YAMLScalar: Sendable, Equatable {
    let text: String
    /// Written without quotes and not as a block of text.
    let isPlain: Bool

    /// What a scalar is by the way it is written.
    enum Kind: Sendable, Equatable {
        case nothing
        case boolean
        /// Decimal digits without leading zeros, with or without a minus.
        case integer
        /// Any other decimal number.
        case number
        case text
    }

    // Yams follows YAML 1.1, where 0660 is 432, 1:30 is 90 and 1_0 is 10. Such values are refused, so that the
    // user writes what was meant.
    var kind: Kind {
        guard isPlain else { return .text }
        switch text.lowercased() {
        case "", "~", "null": return .nothing
        case "true", "false", "yes", "no", "on", "off": return .boolean
        default: return numericKind ?? .text
        }
    }

    private var numericKind: Kind? {
        guard text.utf8.allSatisfy({ "0123456789+-.eE".utf8.contains($0) }), Double(text) != nil
        else { return nil }
        let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
        let isWhole = digits.utf8.allSatisfy { "0123456789".utf8.contains($0) }
        return isWhole && (digits == "0" || !digits.hasPrefix("0")) ? .integer : .number
    }

    fileprivate var found: String {
        switch kind {
        case .nothing: "nothing"
        case .boolean: "\(text) (a boolean)"
        case .integer, .number: "\(excerpt(text)) (a number)"
        case .text where isPlain: "\(excerpt(text)) (text)"
        case .text: "\"\(excerpt(text))\" (text)"
        }
    }
}

/// Text from a file as it may stand in a message: short, and without what could disturb a terminal
/// or start a new line in a log.
func excerpt(_ text: String) -> String {
    let limit = 40
    let shown = text.unicodeScalars.prefix(limit).map(visible).joined()
    return text.unicodeScalars.dropFirst(limit).isEmpty ? shown : shown + "…"
}

private func visible(_ scalar: Unicode.Scalar) -> String {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
        "\\u{\(String(scalar.value, radix: 16))}"
    default: String(scalar)
    }
}

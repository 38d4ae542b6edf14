// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// Why a value could not be read from JSON, or be written as JSON.
package enum JSONError: Error, Equatable {
    /// The text is no JSON.
    case malformed
    /// Arrays and objects are nested deeper than `maximumJSONDepth`.
    case tooDeep
    /// A member is missing or has another type; the path to it, as in `board.lanes`.
    case mismatch(path: String)
    /// The value has no JSON text: a number in it is not finite.
    case notRepresentable(path: String)

    /// The member at fault; nil when the text as a whole is.
    var member: String? {
        switch self {
        case .malformed, .tooDeep: nil
        case .mismatch(let path), .notRepresentable(let path): path.isEmpty ? nil : path
        }
    }
}

/// How deep arrays and objects may be nested in a message; the deepest message of `org.metrng.Control` has 7 levels.
///
/// The decoder of the standard library takes time that grows with the cube of the depth (a second for 500 levels), so
/// deeper text is refused before it is decoded.
package let maximumJSONDepth = 8

/// Reads a value from JSON text of bounded depth. Keys the type does not have are ignored.
package func decodeJSON<Value: Decodable>(
    _ type: Value.Type, from text: some Collection<UInt8>
) throws(JSONError) -> Value {
    guard jsonDepth(of: text) <= maximumJSONDepth else { throw .tooDeep }
    do {
        return try JSONDecoder().decode(type, from: Data(text))
    } catch DecodingError.dataCorrupted(let context) where context.codingPath.isEmpty {
        throw .malformed
    } catch let error as DecodingError {
        throw .mismatch(path: path(of: error))
    } catch let error as JSONError {
        throw error
    } catch {
        throw .malformed
    }
}

/// Writes a value as JSON text in one line: keys sorted, slashes as they are.
package func encodeJSON(_ value: some Encodable) throws(JSONError) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
        return Array(try encoder.encode(value))
    } catch EncodingError.invalidValue(_, let context) {
        throw .notRepresentable(path: joined(context.codingPath))
    } catch {
        throw .notRepresentable(path: "")
    }
}

extension JSONValue {
    /// The value of `content` as JSON has it.
    package init(encoding content: some Encodable) throws(JSONError) {
        self = try decodeJSON(JSONValue.self, from: encodeJSON(content))
    }

    /// Reads a value of a known shape. Keys the type does not have are ignored.
    package func decode<Value: Decodable>(_ type: Value.Type) throws(JSONError) -> Value {
        try decodeJSON(type, from: encodeJSON(self))
    }
}

/// The deepest nesting of brackets outside strings. Text that is no JSON has some depth too.
func jsonDepth(of text: some Collection<UInt8>) -> Int {
    var (depth, deepest) = (0, 0)
    var (inString, escaped) = (false, false)
    for byte in text {
        switch byte {
        case _ where escaped: escaped = false
        case UInt8(ascii: "\\") where inString: escaped = true
        case UInt8(ascii: "\""): inString.toggle()
        case _ where inString: break
        case UInt8(ascii: "["), UInt8(ascii: "{"):
            depth += 1
            deepest = max(deepest, depth)
        case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
        default: break
        }
    }
    return deepest
}

private func path(of error: DecodingError) -> String {
    switch error {
    case .keyNotFound(let key, let context): joined(context.codingPath + [key])
    case .typeMismatch(_, let context), .valueNotFound(_, let context),
        .dataCorrupted(let context):
        joined(context.codingPath)
    @unknown default: ""
    }
}

private func joined(_ path: [any CodingKey]) -> String {
    path.map(\.stringValue).joined(separator: ".")
}

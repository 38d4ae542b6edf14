// SPDX-License-Identifier: Apache-2.0

import Varlink

extension FuzzTarget {
    /// JSON text as any value. A value that was read is written as text that reads as the same value.
    static let json = FuzzTarget("json") { bytes in
        do throws(JSONError) {
            let value = try decodeJSON(JSONValue.self, from: bytes)
            require(value.depth <= maximumJSONDepth, "no value is nested deeper than the limit")
            let text = try encodeJSON(value)
            let again = try? decodeJSON(JSONValue.self, from: text)
            require(again == value, "a value is the same after it was written and read")
        } catch {
            guard case .notRepresentable(let path) = error else { return }
            fatalError("a value that was read cannot be written: \(path)")
        }
    }
}

extension JSONValue {
    /// How deep arrays and objects are nested; 0 for anything else.
    fileprivate var depth: Int {
        switch self {
        case .null, .bool, .integer, .number, .string: 0
        case .array(let elements): 1 + (elements.map(\.depth).max() ?? 0)
        case .object(let members): 1 + (members.values.map(\.depth).max() ?? 0)
        }
    }
}

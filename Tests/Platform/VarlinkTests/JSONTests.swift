// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import Varlink

@Suite(
    "JSON values: round trips, numbers, depth, random text")
struct JSONTests {
    private struct Lane: Codable, Equatable {
        var name: String
        var p: Double
        var alarms: Int
        var note: String?
    }

    private static func text(_ value: some Encodable) throws -> String {
        String(decoding: try encodeJSON(value), as: UTF8.self)
    }

    @Test(
        "Values come back from their text as they were",
        arguments: [
            (.null, "null"), (.bool(true), "true"), (.bool(false), "false"),
            (.integer(0), "0"), (.integer(.max), "9223372036854775807"),
            (.integer(.min), "-9223372036854775808"), (.number(0.25), "0.25"),
            (.string("a/b \"c\" é"), #""a/b \"c\" é""#), (.array([]), "[]"),
            (.array([.integer(1), .null]), "[1,null]"),
            (["b": .integer(1), "a": ["z": .bool(true)]], #"{"a":{"z":true},"b":1}"#),
        ] as [(JSONValue, String)])
    func roundTrip(value: JSONValue, text: String) throws {
        #expect(try Self.text(value) == text)
        #expect(try decodeJSON(JSONValue.self, from: text.utf8) == value)
    }

    @Test(
        "A number whose fraction a double does not hold is read as the integer that it is written as",
        arguments: [
            ("555555555555555555.05555", 555_555_555_555_555_584), ("1.0", 1), ("-0.0", 0),
        ] as [(String, Int64)])
    func lostFraction(text: String, integer: Int64) throws {
        let value = try decodeJSON(JSONValue.self, from: text.utf8)
        #expect(value == .integer(integer))
        #expect(try decodeJSON(JSONValue.self, from: encodeJSON(value)) == value)
    }

    @Test("A structure becomes a value and a value a structure")
    func structures() throws {
        let lane = Lane(name: "left", p: 0.5, alarms: 2, note: nil)
        let value: JSONValue = ["name": .string("left"), "p": .number(0.5), "alarms": .integer(2)]
        #expect(try JSONValue(encoding: lane) == value)
        #expect(try value.decode(Lane.self) == lane)
    }

    @Test("A whole number passes for a fractional one")
    func wholeNumbers() throws {
        let value: JSONValue = ["name": .string(""), "p": .integer(1), "alarms": .integer(0)]
        #expect(try value.decode(Lane.self).p == 1)
    }

    @Test(
        "What does not fit is named",
        arguments: [
            (["name": .string("a"), "p": .number(0.5)], "alarms"),
            (["name": .integer(1), "p": .number(0.5), "alarms": .integer(0)], "name"),
            (["name": .string("a"), "p": .null, "alarms": .integer(0)], "p"),
        ] as [(JSONValue, String)])
    func mismatch(value: JSONValue, path: String) {
        #expect(throws: JSONError.mismatch(path: path)) { try value.decode(Lane.self) }
    }

    @Test(
        "A number that is not finite has no text",
        arguments: [Double.nan, .infinity, -.infinity])
    func notFinite(number: Double) {
        #expect(throws: JSONError.notRepresentable(path: "p")) {
            try encodeJSON(["p": number])
        }
    }

    @Test(
        "What is no JSON is refused",
        arguments: ["", "nul", "{", "[1", "{\"a\":}", "1 2", "\"a", "\"\\ud800\"", "'a'"])
    func malformed(text: String) {
        #expect(throws: JSONError.self) { try decodeJSON(JSONValue.self, from: text.utf8) }
    }

    @Test("Bytes that are no UTF-8 are refused")
    func notUTF8() {
        let bytes = Array("\"a".utf8) + [0xff, 0xc0] + Array("\"".utf8)
        #expect(throws: JSONError.self) { try decodeJSON(JSONValue.self, from: bytes) }
    }

    @Test(
        "Nesting as deep as the limit is read, deeper is refused",
        arguments: [("[", "]"), ("{\"a\":", "}")])
    func nesting(open: String, close: String) throws {
        func text(_ depth: Int) -> String {
            String(repeating: open, count: depth - 1)
                + (open == "[" ? "[]" : "{}") + String(repeating: close, count: depth - 1)
        }
        _ = try decodeJSON(JSONValue.self, from: text(maximumJSONDepth).utf8)
        #expect(throws: JSONError.tooDeep) {
            try decodeJSON(JSONValue.self, from: text(maximumJSONDepth + 1).utf8)
        }
    }

    @Test("A hundred thousand brackets are refused", arguments: ["[", "{\"a\":", "[{\"\\\"\":"])
    func hostileNesting(open: String) {
        let text = String(repeating: open, count: 100_000)
        #expect(throws: JSONError.tooDeep) {
            try decodeJSON(JSONValue.self, from: text.utf8)
        }
    }

    @Test("Brackets within strings are no nesting", arguments: ["", "\\\"", "\\\\\\\""])
    func bracketsInStrings(escape: String) throws {
        let text = "\"\(escape)" + String(repeating: "[", count: 1_000) + "\""
        let value = try decodeJSON(JSONValue.self, from: text.utf8)
        #expect(value.string?.hasSuffix("[[[") == true)
    }

    @Test("Random text is refused or read as a value that comes back from its text")
    func randomText() throws {
        var random = SeededGenerator(2)
        let alphabet = Array("{}[]\",:0123.eE-truefalsn \\u\u{e9}".utf8)
        var accepted = 0
        for _ in 0..<20_000 {
            let count = Int.random(in: 1...8, using: &random)
            let text = (0..<count).compactMap { _ in alphabet.randomElement(using: &random) }
            guard let value = try? decodeJSON(JSONValue.self, from: text) else { continue }
            accepted += 1
            #expect(try decodeJSON(JSONValue.self, from: encodeJSON(value)) == value)
        }
        #expect(accepted > 100)
    }
}

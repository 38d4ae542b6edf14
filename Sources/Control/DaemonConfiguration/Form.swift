// SPDX-License-Identifier: Apache-2.0

import BoardInterface

/// The written form of one setting: the allowed values in words, parsing and rendering.
struct Form<Value: Sendable>: Sendable {
    /// What can be written, as it completes "expected …".
    let expected: String
    /// `nil` for anything else than `expected`.
    let parse: @Sendable (YAMLScalar) -> Value?
    /// The value as YAML that `parse` reads back to the same value.
    let render: @Sendable (Value) -> String
}

extension Form<Int> {
    static func integer(_ range: ClosedRange<Int>) -> Form {
        integer("an integer", range) { _ in true }
    }

    static func multiple(of factor: Int, _ range: ClosedRange<Int>) -> Form {
        integer("a multiple of \(factor)", range) { $0.isMultiple(of: factor) }
    }

    static func powerOfTwo(_ range: ClosedRange<Int>) -> Form {
        integer("a power of two", range) { $0.nonzeroBitCount == 1 }
    }

    static func oneOf(_ values: [Int]) -> Form {
        let words = values.map(String.init).joined(separator: ", ")
        return Form(expected: "one of \(words)") { scalar in
            guard scalar.kind == .integer, let value = Int(scalar.text) else { return nil }
            return values.contains(value) ? value : nil
        } render: {
            String($0)
        }
    }

    private static func integer(
        _ words: String, _ range: ClosedRange<Int>, where holds: @escaping @Sendable (Int) -> Bool
    ) -> Form {
        Form(expected: "\(words) from \(range.lowerBound) to \(range.upperBound)") { scalar in
            guard scalar.kind == .integer, let value = Int(scalar.text) else { return nil }
            return range.contains(value) && holds(value) ? value : nil
        } render: {
            String($0)
        }
    }
}

extension Form<Double> {
    static func number(_ range: ClosedRange<Double>) -> Form {
        number("from \(range.lowerBound) to \(range.upperBound)", where: range.contains)
    }

    static func number(_ range: Range<Double>) -> Form {
        number(
            "from \(range.lowerBound) to less than \(range.upperBound)", where: range.contains)
    }

    static func number(between lower: Double, and upper: Double) -> Form {
        number("more than \(lower) and less than \(upper)") { lower < $0 && $0 < upper }
    }

    private static func number(
        _ words: String, where holds: @escaping @Sendable (Double) -> Bool
    ) -> Form {
        Form(expected: "a number \(words)") { scalar in
            guard scalar.kind == .integer || scalar.kind == .number else { return nil }
            return Double(scalar.text).flatMap { holds($0) ? $0 : nil }
        } render: {
            $0.description
        }
    }
}

extension Form<Double?> {
    /// A number, or "preset" for the preset's value.
    static func presetOr(_ range: ClosedRange<Double>) -> Form {
        let number = Form<Double>.number(range)
        return Form(expected: "preset, or \(number.expected)") { scalar in
            if scalar.kind == .text { return scalar.text == "preset" ? .some(nil) : nil }
            return number.parse(scalar).map(Optional.some)
        } render: {
            $0.map(number.render) ?? "preset"
        }
    }
}

extension Form<Bool> {
    static var boolean: Form {
        Form(expected: "true or false") { scalar in
            guard scalar.kind == .boolean else { return nil }
            return switch scalar.text {
            case "true": true
            case "false": false
            default: nil
            }
        } render: {
            $0 ? "true" : "false"
        }
    }
}

extension Form<FaultScript> {
    /// See `FaultScript` for what stands in it.
    static var faults: Form {
        Form(
            expected: "faults such as '\(FaultScript.example)', separated by ; or new lines"
        ) { scalar in
            scalar.kind == .text ? try? FaultScript(parsing: scalar.text) : nil
        } render: { script in
            let orders = script.text.split(separator: "\n").joined(separator: "; ")
            return "'\(orders)'"
        }
    }
}

extension Form where Value: CaseIterable & RawRepresentable<String> {
    /// One of the cases, by its name.
    static var choice: Form {
        let names = Value.allCases.map(\.rawValue)
        let words = names.count == 1 ? names.joined() : "one of " + names.joined(separator: ", ")
        return Form(expected: words) { scalar in
            scalar.kind == .text ? Value(rawValue: scalar.text) : nil
        } render: {
            $0.rawValue
        }
    }
}

extension Form<UInt32> {
    /// Permissions. In quotes, because YAML readers disagree about what 0660 is without them.
    static var mode: Form {
        Form(expected: "an octal mode in quotes, from \"0000\" to \"0777\"") { scalar in
            let isOctal = scalar.text.utf8.allSatisfy { "01234567".utf8.contains($0) }
            guard scalar.kind == .text, isOctal, scalar.text.utf8.count == 4 else { return nil }
            return UInt32(scalar.text, radix: 8).flatMap { $0 <= 0o777 ? $0 : nil }
        } render: {
            let digits = String($0, radix: 8)
            return "\"\(String(repeating: "0", count: max(0, 4 - digits.count)))\(digits)\""
        }
    }
}

extension Form<String> {
    /// The name of a folder for sockets, of at most `limit` bytes.
    static func directory(limit: Int) -> Form {
        text("an absolute path of 1 to \(limit) bytes") {
            $0.hasPrefix("/") && $0.utf8.count <= limit
                && $0.utf8.allSatisfy { byte in byte >= 0x20 && byte != 0x7F }
        }
    }

    /// The absolute name of a file, or nothing.
    static var optionalPath: Form {
        text("an absolute path of at most 4095 bytes, or ''") {
            $0.isEmpty
                || $0.hasPrefix("/") && $0.utf8.count <= 4095
                    && $0.utf8.allSatisfy { byte in byte >= 0x20 && byte != 0x7F }
        }
    }

    static func name(limit: Int) -> Form {
        text("1 to \(limit) of the letters A-Z, a-z, digits, _ and -") {
            (1...limit).contains($0.utf8.count) && $0.utf8.allSatisfy(isNameByte)
        }
    }

    static func text(
        _ words: String, where holds: @escaping @Sendable (String) -> Bool
    ) -> Form {
        Form(expected: words) { scalar in
            scalar.kind == .text && holds(scalar.text) ? scalar.text : nil
        } render: {
            quotedIfNeeded($0)
        }
    }
}

extension Form<BoardSettings.Seed> {
    static var seed: Form {
        Form(expected: "kernel, or an integer from 0 to \(UInt64.max)") { scalar in
            switch scalar.kind {
            case .text where scalar.text == "kernel": .kernel
            case .integer: UInt64(scalar.text).map(BoardSettings.Seed.fixed)
            default: nil
            }
        } render: {
            switch $0 {
            case .kernel: "kernel"
            case .fixed(let value): String(value)
            }
        }
    }
}

private func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
        true
    default: false
    }
}

/// Text as YAML: plain where every YAML reader takes it for text, in quotes elsewhere.
private func quotedIfNeeded(_ text: String) -> String {
    let startsPlain = text.utf8.first.map { $0 == UInt8(ascii: "/") || $0.isLetter } ?? false
    let isPlain = startsPlain && text.utf8.allSatisfy { isNameByte($0) || "/.".utf8.contains($0) }
    if isPlain && YAMLScalar(text: text, isPlain: true).kind == .text { return text }
    return "'" + text.replacing("'", with: "''") + "'"
}

extension UInt8 {
    fileprivate var isLetter: Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20)
    }
}

// SPDX-License-Identifier: Apache-2.0

import EntropyTerms

/// Reads the JSON that the header of a file of safetensors consists of: objects, strings, whole numbers and lists of
/// numbers, and nothing else. A general decoder would keep one of two members with the same name without a word.
struct HeaderScanner {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The error at the present position.
    func missing(_ wanted: String) -> SafetensorsDefect { .header(byte: position, wanted: wanted) }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || (0x09...0x0D).contains(byte) && byte != 0x0B && byte != 0x0C {
            position += 1
        }
    }

    /// Takes a character and the white space before it, if it is there.
    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func require(_ character: Unicode.Scalar) throws(SafetensorsDefect) {
        guard take(character) else { throw missing("\"\(character)\"") }
    }

    /// Requires that only white space is left.
    mutating func requireEnd() throws(SafetensorsDefect) {
        skipSpace()
        guard position == bytes.count else { throw missing("end") }
    }

    /// Reads an object: `member` is called with each name and reads its value.
    ///
    /// - Parameter limit: the most members that there may be.
    mutating func object(
        limit: Int, _ member: (inout HeaderScanner, String) throws(SafetensorsDefect) -> Void
    ) throws(SafetensorsDefect) {
        try require("{")
        var names: Set<String> = []
        if take("}") { return }
        repeat {
            let name = try string()
            guard names.insert(name).inserted else { throw .duplicate(printable(name)) }
            guard names.count <= limit else { throw missing("end of an object of at most \(limit) members") }
            try require(":")
            try member(&self, name)
        } while take(",")
        try require("}")
    }

    /// Reads a list of whole numbers.
    mutating func numbers(limit: Int) throws(SafetensorsDefect) -> [UInt64] {
        try require("[")
        var values: [UInt64] = []
        if take("]") { return values }
        repeat {
            values.append(try number())
            guard values.count <= limit else { throw missing("end of a list of at most \(limit) numbers") }
        } while take(",")
        try require("]")
        return values
    }

    private mutating func number() throws(SafetensorsDefect) -> UInt64 {
        skipSpace()
        let start = position
        var value: UInt64 = 0
        while let byte = next, (0x30...0x39).contains(byte) {
            let (product, tooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, tooLargeBy) = product.addingReportingOverflow(UInt64(byte - 0x30))
            guard !tooLarge, !tooLargeBy else { throw missing("number of 64 bits") }
            value = sum
            position += 1
        }
        let digits = position - start
        guard digits > 0, digits == 1 || bytes[start] != 0x30 else { throw missing("whole number") }
        return value
    }

    /// Reads a string.
    mutating func string() throws(SafetensorsDefect) -> String {
        try require("\"")
        var text: [UInt8] = []
        while let byte = next, byte != UInt8(ascii: "\"") {
            guard byte >= 0x20 else { throw missing("character of a string") }
            position += 1
            if byte == UInt8(ascii: "\\") {
                text.append(contentsOf: String(Character(try escape())).utf8)
            } else {
                text.append(byte)
            }
        }
        guard next != nil else { throw missing("end of a string") }
        guard let string = String(validating: text, as: UTF8.self) else { throw missing("UTF-8 in a string") }
        position += 1
        return string
    }

    /// The character that follows a backslash.
    private mutating func escape() throws(SafetensorsDefect) -> Unicode.Scalar {
        let codes: [UInt8: Unicode.Scalar] = [
            UInt8(ascii: "\""): "\"", UInt8(ascii: "\\"): "\\", UInt8(ascii: "/"): "/", UInt8(ascii: "b"): "\u{8}",
            UInt8(ascii: "f"): "\u{C}", UInt8(ascii: "n"): "\n", UInt8(ascii: "r"): "\r", UInt8(ascii: "t"): "\t",
        ]
        guard let byte = next else { throw missing("escape in a string") }
        if let scalar = codes[byte] {
            position += 1
            return scalar
        }
        guard byte == UInt8(ascii: "u") else { throw missing("escape in a string") }
        position += 1
        let unit = try hexadecimal()
        if let scalar = Unicode.Scalar(unit) { return scalar }
        guard unit < 0xDC00, next == UInt8(ascii: "\\") else { throw missing("pair of surrogates") }
        position += 1
        guard next == UInt8(ascii: "u") else { throw missing("pair of surrogates") }
        position += 1
        let low = try hexadecimal()
        guard (0xDC00...0xDFFF).contains(low),
            let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
        else { throw missing("pair of surrogates") }
        return scalar
    }

    private mutating func hexadecimal() throws(SafetensorsDefect) -> UInt32 {
        guard position + 4 <= bytes.count else { throw missing("four hexadecimal digits") }
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue else {
                throw missing("four hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }
}

/// Text of a file as a message may show it: without control characters, and not endless.
func printable(_ text: String) -> String {
    text.count > 64 ? String(text.prefix(64)).printable + "…" : text.printable
}

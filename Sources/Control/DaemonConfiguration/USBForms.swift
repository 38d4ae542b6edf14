// SPDX-License-Identifier: Apache-2.0

extension Form<String> {
    /// A serial number, or nothing.
    static func printable(limit: Int) -> Form {
        text("at most \(limit) ASCII characters, in quotes if it looks like a number") {
            $0.utf8.count <= limit && $0.utf8.allSatisfy { (0x20...0x7E).contains($0) }
        }
    }

    /// A place on the bus, or nothing.
    static var optionalPlace: Form {
        text("bus and ports as in '1-2.3', or ''") { text in
            let parts = text.split(separator: "-", omittingEmptySubsequences: false)
            guard parts.count == 2 else { return text.isEmpty }
            let ports = parts[1].split(separator: ".", omittingEmptySubsequences: false)
            return isNumber(parts[0]) && ports.count <= 6 && ports.allSatisfy(isNumber)
        }
    }
}

extension Form<[USBIdentifier]> {
    /// The longest list.
    private static let limit = 16

    static var identifiers: Form {
        Form(
            expected:
                "1 to \(limit) of vendor:product in hexadecimal, as in '1209:0001, 16c0:05dc'"
        ) { scalar in
            guard scalar.kind == .text else { return nil }
            let words = scalar.text.split(separator: ",", omittingEmptySubsequences: false)
            let found = words.compactMap { identifier($0.drop { $0 == " " }) }
            return found.count == words.count && found.count <= limit ? found : nil
        } render: { identifiers in
            let words = identifiers.map { "\(fourDigits($0.vendor)):\(fourDigits($0.product))" }
            return "'\(words.joined(separator: ", "))'"
        }
    }

    private static func identifier(_ text: Substring) -> USBIdentifier? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 4 && $0.first != "+" }),
            let vendor = UInt16(parts[0], radix: 16), let product = UInt16(parts[1], radix: 16)
        else { return nil }
        return USBIdentifier(vendor: vendor, product: product)
    }

    private static func fourDigits(_ number: UInt16) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 4 - digits.count) + digits
    }
}

private func isNumber(_ text: Substring) -> Bool {
    (1...3).contains(text.utf8.count) && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
}

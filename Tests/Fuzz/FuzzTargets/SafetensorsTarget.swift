// SPDX-License-Identifier: Apache-2.0

import DenoisingNetworks

extension FuzzTarget {
    /// Files of weights: `Safetensors`, for the bytes as they are and with the header's length made right.
    static let safetensors = FuzzTarget("safetensors") { bytes in
        let whole = Array(bytes)
        check(whole)
        check(repairingLength(whole))
    }

    private static func check(_ bytes: [UInt8]) {
        do throws(SafetensorsDefect) {
            let file = try Safetensors(bytes)
            var owners = [Int](repeating: 0, count: bytes.count)
            for entry in file.entries.values {
                require(!entry.range.isEmpty, "no tensor is empty")
                require(entry.range.upperBound <= bytes.count, "a tensor is inside the file")
                require(entry.shape.allSatisfy { $0 > 0 }, "no side of a tensor is 0")
                require(entry.shape.reduce(1, *) == entry.elementCount, "a tensor has the elements of its shape")
                for place in entry.range { owners[place] += 1 }
            }
            let start = 8 + bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
            require(owners[start...].allSatisfy { $0 == 1 }, "every byte of the data belongs to one tensor")
            require(owners[..<start].allSatisfy { $0 == 0 }, "no byte of the header belongs to a tensor")
            for (name, entry) in file.entries { checkValues(file, name, entry) }
        } catch {
            require(!error.description.isEmpty, "a defect has words")
        }
    }

    private static func checkValues(_ file: Safetensors, _ name: String, _ entry: Safetensors.Entry) {
        do throws(SafetensorsDefect) {
            let values = try file.floats(of: entry, name: name)
            require(values.count == entry.elementCount, "every element is read")
            require(values.allSatisfy(\.isFinite), "values are finite")
        } catch {
            guard case .notFinite = error else { fatalError("unexpected: \(error)") }
        }
    }
}

/// The bytes with the length of the header that ends at the last closing brace.
private func repairingLength(_ bytes: [UInt8]) -> [UInt8] {
    guard bytes.count > 8, let end = bytes[8...].lastIndex(of: UInt8(ascii: "}")) else { return bytes }
    let length = UInt64(end - 7)
    return withUnsafeBytes(of: length.littleEndian) { Array($0) } + bytes[8...]
}

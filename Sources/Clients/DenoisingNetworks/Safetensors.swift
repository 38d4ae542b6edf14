// SPDX-License-Identifier: Apache-2.0

/// The types of numbers that files here may have.
package enum TensorType: String, Sendable {
    case float16 = "F16"
    case float32 = "F32"
    case byte = "U8"

    var byteCount: Int {
        switch self {
        case .float16: 2
        case .float32: 4
        case .byte: 1
        }
    }
}

/// A whole and checked file of safetensors: the bytes of every tensor are inside it, and belong to no other.
///
/// Stricter than the format: whole numbers and strings only, no name twice, no tensor without elements, no hole
/// between tensors, nothing after them, and a header of at most 1 MB.
package struct Safetensors: Sendable {
    /// A tensor in the file.
    package struct Entry: Sendable, Equatable {
        package let type: TensorType
        package let shape: [Int]
        /// Where its bytes are in the file.
        package let range: Range<Int>

        package var elementCount: Int { range.count / type.byteCount }
    }

    /// The largest header, in bytes.
    package static let headerLimit = 1 << 20
    private static let tensorLimit = 1_024
    private static let metadataLimit = 256
    private static let rankLimit = 8

    package private(set) var metadata: [String: String] = [:]
    package private(set) var entries: [String: Entry] = [:]
    private let bytes: [UInt8]

    /// Checks the bytes of a file.
    package init(_ bytes: [UInt8]) throws(SafetensorsDefect) {
        self.bytes = bytes
        guard bytes.count >= 8 else { throw .tooShort }
        let length = bytes.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length <= UInt64(min(bytes.count - 8, Self.headerLimit)) else { throw .headerLength(length) }
        let start = 8 + Int(length)
        let header = try Header(Array(bytes[8..<start]))
        metadata = header.metadata
        var checked: [(name: String, entry: Entry)] = []
        for tensor in header.tensors { checked.append((tensor.name, try tensor.entry(start: start, end: bytes.count))) }
        try Self.requireNoGaps(checked, start: start, end: bytes.count)
        entries = Dictionary(uniqueKeysWithValues: checked.map { ($0.name, $0.entry) })
    }

    private static func requireNoGaps(
        _ tensors: [(name: String, entry: Entry)], start: Int, end: Int
    ) throws(SafetensorsDefect) {
        var position = start
        for (name, entry) in tensors.sorted(by: { $0.entry.range.lowerBound < $1.entry.range.lowerBound }) {
            guard entry.range.lowerBound == position else { throw .gap(tensor: printable(name)) }
            position = entry.range.upperBound
        }
        guard position == end else { throw .excess(bytes: end - position) }
    }

    /// The bytes of a tensor, of which there are `entries`.
    package func bytes(of entry: Entry) -> ArraySlice<UInt8> { bytes[entry.range] }

    /// The values of a tensor of floats, all finite.
    package func floats(of entry: Entry, name: String) throws(SafetensorsDefect) -> [Float] {
        let values = bytes.withUnsafeBytes { whole in
            (0..<entry.elementCount).map { index -> Float in
                let place = entry.range.lowerBound + index * entry.type.byteCount
                switch entry.type {
                case .float16:
                    let pattern = UInt16(littleEndian: whole.loadUnaligned(fromByteOffset: place, as: UInt16.self))
                    return Float(Float16(bitPattern: pattern))
                case .float32:
                    let pattern = UInt32(littleEndian: whole.loadUnaligned(fromByteOffset: place, as: UInt32.self))
                    return Float(bitPattern: pattern)
                case .byte: return Float(whole[place])
                }
            }
        }
        guard values.allSatisfy(\.isFinite) else { throw .notFinite(tensor: printable(name)) }
        return values
    }

    /// What the header says, before it is compared with the file.
    private struct Header {
        private(set) var tensors: [Tensor] = []
        private(set) var metadata: [String: String] = [:]

        init(_ bytes: [UInt8]) throws(SafetensorsDefect) {
            var scanner = HeaderScanner(bytes)
            guard bytes.first == UInt8(ascii: "{") else { throw scanner.missing("\"{\"") }
            var tensors: [Tensor] = []
            var metadata: [String: String] = [:]
            try scanner.object(limit: Safetensors.tensorLimit) { scanner, name throws(SafetensorsDefect) in
                if name == "__metadata__" {
                    try scanner.object(limit: Safetensors.metadataLimit) { scanner, key throws(SafetensorsDefect) in
                        metadata[key] = try scanner.string()
                    }
                } else {
                    tensors.append(try Tensor(name: name, &scanner))
                }
            }
            try scanner.requireEnd()
            (self.tensors, self.metadata) = (tensors, metadata)
        }
    }

    private struct Tensor {
        let name: String
        private var type: String?
        private var shape: [UInt64]?
        private var offsets: [UInt64]?

        init(name: String, _ scanner: inout HeaderScanner) throws(SafetensorsDefect) {
            self.name = name
            var (type, shape, offsets): (String?, [UInt64]?, [UInt64]?)
            try scanner.object(limit: 3) { scanner, member throws(SafetensorsDefect) in
                switch member {
                case "dtype": type = try scanner.string()
                case "shape": shape = try scanner.numbers(limit: Safetensors.rankLimit)
                case "data_offsets": offsets = try scanner.numbers(limit: 2)
                default: throw .member(tensor: printable(name), member: printable(member))
                }
            }
            (self.type, self.shape, self.offsets) = (type, shape, offsets)
        }

        /// Compares with the file: the data are its bytes from `start` to `end`.
        func entry(start: Int, end: Int) throws(SafetensorsDefect) -> Entry {
            let shown = printable(name)
            guard let type else { throw .member(tensor: shown, member: "dtype") }
            guard let shape else { throw .member(tensor: shown, member: "shape") }
            guard let offsets, offsets.count == 2 else { throw .member(tensor: shown, member: "data_offsets") }
            guard let known = TensorType(rawValue: type) else { throw .type(tensor: shown, type: printable(type)) }
            guard offsets[0] <= offsets[1], offsets[1] <= UInt64(end - start) else { throw .offsets(tensor: shown) }
            var count = UInt64(known.byteCount)
            for side in shape {
                let (product, tooLarge) = count.multipliedReportingOverflow(by: side)
                guard !tooLarge, product > 0, product <= UInt64(Int.max) else { throw .shape(tensor: shown) }
                count = product
            }
            let found = offsets[1] - offsets[0]
            guard count == found else { throw .size(tensor: shown, shape: Int(count), found: Int(found)) }
            return Entry(
                type: known, shape: shape.map(Int.init), range: start + Int(offsets[0])..<start + Int(offsets[1]))
        }
    }
}

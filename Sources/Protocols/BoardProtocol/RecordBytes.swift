// SPDX-License-Identifier: Apache-2.0

/// Writes fields of a record, one after another, little-endian.
struct RecordWriter {
    private(set) var bytes: [UInt8] = []

    mutating func put(_ value: some FixedWidthInteger & BitwiseCopyable) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
}

/// Reads fields of a record, one after another, little-endian. The caller has checked that there are enough bytes.
struct RecordReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    mutating func take<Value: FixedWidthInteger>(_: Value.Type = Value.self) -> Value {
        var value: Value = 0
        for index in 0..<Value.bitWidth / 8 {
            value |= Value(truncatingIfNeeded: rest.removeFirst()) << (8 * index)
        }
        return value
    }

    mutating func skip(_ count: Int) { rest.removeFirst(count) }
}

/// Why bytes are no record that this program can use.
package enum RecordDefect: Error, Sendable, Equatable, CustomStringConvertible {
    case tooShort(Int, needed: Int)
    /// The board speaks another major version of MEB.
    case majorVersion(UInt8)
    /// A field holds what it must not; says which and what.
    case field(String, value: Int64)

    package var description: String {
        switch self {
        case .tooShort(let count, let needed): "\(count) bytes instead of \(needed)"
        case .majorVersion(let major):
            "it speaks MEB/\(major), metrngd speaks MEB/\(BoardInterface.majorVersion)"
        case .field(let name, let value): "its \(name) is \(value)"
        }
    }
}

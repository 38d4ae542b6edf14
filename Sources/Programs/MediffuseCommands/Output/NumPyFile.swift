// SPDX-License-Identifier: Apache-2.0

/// A file of NumPy (`.npy`, version 1.0) with bytes.
///
/// - Parameters:
///   - bytes: the elements, last index fastest.
///   - shape: the lengths of the array; their product is the number of bytes.
func numPyFile(_ bytes: [UInt8], shape: [Int]) -> [UInt8] {
    precondition(shape.reduce(1, *) == bytes.count)
    let lengths = shape.map(String.init).joined(separator: ", ")
    let comma = shape.count == 1 ? "," : ""
    let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (\(lengths)\(comma)), }"
    // Magic, version and length take 10 bytes; the data begins at a multiple of 64, after a newline.
    let padding = 63 - (10 + header.utf8.count) % 64
    let text = header + String(repeating: " ", count: padding) + "\n"
    let length = UInt16(text.utf8.count)
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)] + Array(text.utf8) + bytes
}

// SPDX-License-Identifier: Apache-2.0

import TestSupport

/// A generator whose numbers are a function of the bytes, so that an input reproduces what it does.
func generator(seededBy bytes: UnsafeRawBufferPointer) -> SeededGenerator {
    // FNV-1a.
    SeededGenerator(bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0100_0000_01b3 })
}

/// The bytes cut into pieces as a socket may deliver them: mostly short ones.
///
/// - Parameter limit: the longest piece.
func pieces(of bytes: UnsafeRawBufferPointer, limit: Int = 64) -> [UnsafeRawBufferPointer] {
    var random = generator(seededBy: bytes)
    var pieces: [UnsafeRawBufferPointer] = []
    var rest = bytes[...]
    while !rest.isEmpty {
        let isShort = Bool.random(using: &random)
        let piece = rest.prefix(
            Int.random(in: 1...(isShort ? min(limit, 3) : limit), using: &random))
        pieces.append(UnsafeRawBufferPointer(rebasing: piece))
        rest = rest.dropFirst(piece.count)
    }
    return pieces
}

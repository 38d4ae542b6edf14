// SPDX-License-Identifier: Apache-2.0

/// The payload of link-test frames: word k of the test, from 0 on, is the number k, as a little-endian u64.
package enum LinkTestPattern {
    /// - Parameter firstWord: how many words of the test came before.
    package static func fill(_ payload: UnsafeMutableRawBufferPointer, firstWord: UInt64) {
        for index in 0..<payload.count / 8 {
            let word = firstWord &+ UInt64(index)
            payload.storeBytes(of: word.littleEndian, toByteOffset: 8 * index, as: UInt64.self)
        }
    }

    /// The first byte that is not as it should be; nil when all are.
    package static func firstError(
        in payload: UnsafeRawBufferPointer, firstWord: UInt64
    ) -> Int? {
        for index in 0..<payload.count / 8 {
            let found = payload.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self)
            let wrong = found ^ (firstWord &+ UInt64(index)).littleEndian
            if wrong != 0 { return 8 * index + wrong.littleEndian.trailingZeroBitCount / 8 }
        }
        return nil
    }
}

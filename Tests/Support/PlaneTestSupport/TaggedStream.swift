// SPDX-License-Identifier: Apache-2.0

/// A stream of bytes in which every 16-byte word tells its own number, wherever the bytes went, in
/// whatever pieces they came, and at whatever alignment they are found.
///
/// A word is 8 digits that depend on the whole number, 7 digits that are the number, and a mark,
/// which no digit (below 128) can be.
package enum TaggedStream {
    package static let wordBytes = 16
    private static let mark: UInt8 = 0xFF

    /// Word `number`.
    package static func word(_ number: UInt64) -> [UInt8] {
        bytes(from: number, count: wordBytes)
    }

    /// `count` bytes, a multiple of 16, that begin with word `number`.
    package static func bytes(from number: UInt64 = 0, count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            write(from: number, into: UnsafeMutableRawBufferPointer(buffer))
            filled = count
        }
    }

    /// Fills `buffer`, of a multiple of 16 bytes, beginning with word `number`.
    package static func write(from number: UInt64 = 0, into buffer: UnsafeMutableRawBufferPointer) {
        precondition(buffer.count.isMultiple(of: wordBytes))
        for index in 0..<buffer.count / wordBytes {
            let (check, digits) = halves(number + UInt64(index))
            buffer.storeBytes(of: check.littleEndian, toByteOffset: index * 16, as: UInt64.self)
            buffer.storeBytes(
                of: digits.littleEndian, toByteOffset: index * 16 + 8, as: UInt64.self)
        }
    }

    /// The numbers of the whole words in stretches of such streams, in order. Words that were cut
    /// are left out.
    package static func numbers(in bytes: [UInt8]) -> [UInt64] {
        bytes.withUnsafeBytes { buffer in
            var numbers: [UInt64] = []
            for start in 0..<max(0, buffer.count - wordBytes + 1)
            where buffer[start + wordBytes - 1] == mark {
                let check = buffer.loadUnaligned(fromByteOffset: start, as: UInt64.self)
                let digits = buffer.loadUnaligned(fromByteOffset: start + 8, as: UInt64.self)
                let number = gather(UInt64(littleEndian: digits) & ~(0xFF << 56))
                let expected = halves(number)
                if (UInt64(littleEndian: check), UInt64(littleEndian: digits)) == expected {
                    numbers.append(number)
                }
            }
            return numbers
        }
    }

    private static func halves(_ number: UInt64) -> (check: UInt64, digits: UInt64) {
        let mixed = (number &+ 1) &* 0x9e37_79b9_7f4a_7c15
        return (spread(mixed >> 8), spread(number) | UInt64(mark) << 56)
    }

    /// The lowest 56 bits of a number, 7 a byte.
    private static func spread(_ number: UInt64) -> UInt64 {
        var digits = number & 0x0FFF_FFFF | (number & 0x00FF_FFFF_F000_0000) << 4
        digits = digits & 0x0000_3FFF_0000_3FFF | (digits & 0x0FFF_C000_0FFF_C000) << 2
        return digits & 0x007F_007F_007F_007F | (digits & 0x3F80_3F80_3F80_3F80) << 1
    }

    /// The number that `spread` spread.
    private static func gather(_ digits: UInt64) -> UInt64 {
        var number = digits & 0x007F_007F_007F_007F | (digits & 0x7F00_7F00_7F00_7F00) >> 1
        number = number & 0x0000_3FFF_0000_3FFF | (number & 0x3FFF_0000_3FFF_0000) >> 2
        return number & 0x0FFF_FFFF | (number & 0x0FFF_FFFF_0000_0000) >> 4
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014): numbers for tests, the same in every run.
package struct TestGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = (state ^ state >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }

    /// `count` bytes.
    package mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) }
    }
}

// SPDX-License-Identifier: Apache-2.0

import CChecksum
import TestMaterials
import TestSupport
import Testing

@Suite(
    "CRC-32C: the examples of RFC 3720, every length around groups of blocks, unaligned, in pieces")
struct CRC32CTests {
    struct Vector: Sendable {
        let data: [UInt8]
        let crc: UInt32
    }

    /// The examples of RFC 3720, B.4, where the bytes of a CRC are written lowest first; and the
    /// check value of the usual catalogues.
    private static let vectors = [
        Vector(data: Array(repeating: 0, count: 32), crc: 0x8a91_36aa),
        Vector(data: Array(repeating: 0xff, count: 32), crc: 0x62a8_ab43),
        Vector(data: Array(0...31), crc: 0x46dd_794e),
        Vector(data: Array((0...31).reversed()), crc: 0x113f_db5c),
        Vector(
            data: [
                0x01, 0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00, 0x00, 0x00, 0x00, 0x14,
                0x00, 0x00, 0x00, 0x18, 0x28, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00,
                0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
            ], crc: 0xd996_3a56),
        Vector(data: Array("123456789".utf8), crc: 0xe306_9283),
        Vector(data: [], crc: 0),
    ]

    @Test("the published examples come out on every path", arguments: vectors)
    func knownAnswers(vector: Vector) {
        for path in KernelPath.crc32c {
            let crc = ck_crc32c(path.features, 0, vector.data, vector.data.count)
            #expect(crc == vector.crc, "\(path)")
        }
    }

    /// The CRCs of every beginning of `data`, a bit at a time: the division itself.
    private static func naive(_ data: [UInt8]) -> [UInt32] {
        var crc: UInt32 = .max
        var all: [UInt32] = [0]
        for byte in data {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82f6_3b78 : crc >> 1 }
            all.append(~crc)
        }
        return all
    }

    @Test("every length and start equals the division, also around whole groups of three blocks")
    func lengthsAndStarts() {
        let block = 3 * 1024
        let lengths = Array(0...70) + (1...3).flatMap { (block * $0 - 20)...(block * $0 + 20) }
        var random = SeededGenerator(10)
        let data = random.bytes(3 * block + 40)
        for start in [0, 1, 3, 7, 8, 15] {
            let expected = Self.naive(Array(data[start...]))
            for path in KernelPath.crc32c {
                for length in lengths where start + length <= data.count {
                    let crc = data.withUnsafeBufferPointer { buffer in
                        buffer.baseAddress.map { ck_crc32c(path.features, 0, $0 + start, length) }
                    }
                    #expect(crc == expected[length], "\(path), \(length) bytes from \(start)")
                }
            }
        }
    }

    @Test("the CRC in pieces is that of the whole, wherever it is cut")
    func incremental() {
        var random = SeededGenerator(11)
        let data = random.bytes(2 * 3072 + 100)
        let cuts = Array(0...40) + Array(3060...3090) + Array(6130...6160) + [data.count]
        for path in KernelPath.crc32c {
            let whole = ck_crc32c(path.features, 0, data, data.count)
            for cut in cuts {
                let head = ck_crc32c(path.features, 0, data, cut)
                let tail = Array(data[cut...])
                #expect(ck_crc32c(path.features, head, tail, tail.count) == whole, "\(path) \(cut)")
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import CEntropyKernels
import CKernelSupport
import SystemCrypto
import TestMaterials
import TestSupport
import Testing

@Suite(
    "SHA-256 in batches: against libcrypto, lengths 0 to 500 and the longest")
struct SHA256BatchTests {
    private static func hash(
        _ features: ck_features, _ messages: ArraySlice<UInt8>, length: Int, count: Int
    ) -> [UInt8] {
        // A digest more, to see that nothing is written beyond the last one.
        var digests = [UInt8](repeating: 0xa5, count: 32 * (count + 1))
        messages.withUnsafeBufferPointer {
            ck_sha256_batch(features, $0.baseAddress, length, count, &digests)
        }
        #expect(digests[(32 * count)...].allSatisfy { $0 == 0xa5 })
        return Array(digests[..<(32 * count)])
    }

    @Test("every path equals libcrypto for 0 to 9 messages of each length from 0 to 500")
    func equalsLibrary() {
        var random = SeededGenerator(8)
        let bytes = random.bytes(9 * 500)
        for length in 0...500 {
            let expected = (0..<9).flatMap { index in
                LibrarySHA256.digest(of: bytes[index * length..<(index + 1) * length])
            }
            for path in KernelPath.sha256 {
                for count in 0...9 {
                    let digests = Self.hash(
                        path.features, bytes[..<(length * count)], length: length, count: count)
                    let isEqual = digests.elementsEqual(expected.prefix(32 * count))
                    #expect(isEqual, "\(path), \(count) messages of \(length) bytes")
                }
            }
        }
    }

    @Test("the longest message allowed, and one less", arguments: [1023, 1024])
    func longest(length: Int) {
        var random = SeededGenerator(9)
        let bytes = random.bytes(3 * length)
        let expected = (0..<3).flatMap { index in
            LibrarySHA256.digest(of: bytes[index * length..<(index + 1) * length])
        }
        for path in KernelPath.sha256 {
            let digests = Self.hash(path.features, bytes[...], length: length, count: 3)
            #expect(digests == expected, "\(path)")
        }
    }
}

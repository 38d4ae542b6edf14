// SPDX-License-Identifier: Apache-2.0

import SystemCrypto

/// The self-tests of the conditioners, which run before any bit is served.
package enum ConditionerSelfTest {
    /// A conditioner that computes something else on this machine. Nothing may be served.
    package struct Failure: Error, Equatable, CustomStringConvertible {
        /// The function that was expected, such as SHA-256.
        package let function: String
        /// The message whose result is wrong.
        package let message: String

        package var description: String {
            "the self-test of the conditioner failed: wrong \(function) of \(message);"
                + " the program or the processor is faulty, so nothing is served"
        }
    }

    /// Hashes `count` messages of one length that follow one another.
    package typealias BatchHash = (_ messages: [UInt8], _ count: Int) -> [UInt8]

    /// The examples of FIPS 180-4 with one and with two blocks.
    private static let knownAnswers: [(message: String, digest: [UInt64])] = [
        (
            "abc",
            [
                0xba78_16bf_8f01_cfea, 0x4141_40de_5dae_2223, 0xb003_61a3_9617_7a9c,
                0xb410_ff61_f200_15ad,
            ]
        ),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            [
                0x248d_6a61_d206_38b8, 0xe5c0_2693_0c3e_6039, 0xa33c_e459_64ff_2167,
                0xf6ec_edd4_19db_06c1,
            ]
        ),
    ]

    /// Tests every conditioner of this program.
    package static func run() throws(Failure) {
        for conditioner in Conditioners.all { try conditioner.selfTest() }
    }

    /// Checks that a hash is SHA-256: against published answers, and against the system's libcrypto over every
    /// length of input that a claim can lead to.
    package static func checkSHA256(_ hash: BatchHash) throws(Failure) {
        for (message, digest) in knownAnswers {
            let expected = digest.flatMap { word in
                (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * $0)) }
            }
            guard hash(Array(message.utf8), 1) == expected else {
                throw Failure(function: "SHA-256", message: "\"\(message)\"")
            }
        }
        let longest = EntropyAccounting.inputBytes(claimedEntropyPerBit: 0.1)
        for length in stride(from: 1, through: longest, by: 1) {
            try compare(hash, length: length)
        }
    }

    /// Three messages at once, so that the paths for pairs and for a single rest are both taken.
    private static func compare(_ hash: BatchHash, length: Int) throws(Failure) {
        let messages = (0..<3 * length).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ length) }
        let expected = (0..<3).flatMap { index in
            LibrarySHA256.digest(of: messages[index * length..<(index + 1) * length])
        }
        guard hash(messages, 3) == expected else {
            throw Failure(function: "SHA-256", message: "a test message of \(length) bytes")
        }
    }
}

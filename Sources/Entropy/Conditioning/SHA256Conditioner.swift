// SPDX-License-Identifier: Apache-2.0

import CEntropyKernels
package import CKernelSupport

/// SHA-256 as a vetted conditioning component (SP 800-90B 3.1.5.1.1): each block of input becomes
/// 256 bits of output. A value without state; any thread may use it.
package struct SHA256Conditioner: Conditioner {
    package static let name = "sha256"
    /// Bytes of a block of output.
    package static let blockBytes = EntropyAccounting.blockBits / 8

    /// Bytes of input of a block.
    package let inputBytes: Int
    package var outputBytes: Int { Self.blockBytes }
    private let features: ck_features

    /// - Parameter claimedEntropyPerBit: min-entropy of each input bit, in (0, 1].
    package init(claimedEntropyPerBit: Double) {
        self.init(claimedEntropyPerBit: claimedEntropyPerBit, features: ck_features_here())
    }

    /// - Parameter features: the instructions that the kernel may use.
    package init(claimedEntropyPerBit: Double, features: ck_features) {
        inputBytes = EntropyAccounting.inputBytes(claimedEntropyPerBit: claimedEntropyPerBit)
        self.features = features
        precondition(inputBytes <= Int(CK_MESSAGE_LIMIT) && inputBytes <= BlockFunctions.inputLimit)
    }

    package func apply(
        to input: UnsafePointer<UInt8>, into output: UnsafeMutableRawBufferPointer
    ) {
        precondition(output.count.isMultiple(of: Self.blockBytes))
        guard let target = output.baseAddress else { return }
        ck_sha256_batch(
            features, input, inputBytes, output.count / Self.blockBytes,
            target.assumingMemoryBound(to: UInt8.self))
    }

    package static func selfTest() throws(ConditionerSelfTest.Failure) {
        try ConditionerSelfTest.checkSHA256(kernelHash)
    }

    private static func kernelHash(_ messages: [UInt8], _ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count * Int(CK_DIGEST_BYTES)) { digests, filled in
            filled = count * Int(CK_DIGEST_BYTES)
            ck_sha256_batch(
                ck_features_here(), messages, messages.count / count, count, digests.baseAddress)
        }
    }
}

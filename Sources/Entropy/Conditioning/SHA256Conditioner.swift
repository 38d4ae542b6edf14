// SPDX-License-Identifier: Apache-2.0

import CEntropyKernels
package import CKernelSupport

/// SHA-256 as a vetted conditioning component (SP 800-90B 3.1.5.1.1): each block of input becomes
/// 256 bits of output. A value without state; any thread may use it.
package struct SHA256Conditioner: Sendable {
    /// Bytes of a block of output.
    package static let blockBytes = EntropyAccounting.blockBits / 8

    /// Bytes of input of a block.
    package let inputBytes: Int
    private let features: ck_features

    /// - Parameter claimedEntropyPerBit: min-entropy of each input bit.
    package init(claimedEntropyPerBit: Double, features: ck_features = ck_features_here()) {
        inputBytes = EntropyAccounting.inputBytes(claimedEntropyPerBit: claimedEntropyPerBit)
        self.features = features
        precondition(inputBytes <= Int(CK_MESSAGE_LIMIT))
    }

    /// How many blocks `count` bytes of input make.
    package func blocks(from count: Int) -> Int { count / inputBytes }

    /// Makes as many whole blocks as `output` holds.
    ///
    /// - Parameter input: at least `inputBytes` for each block of `output`.
    package func condition(
        _ input: UnsafePointer<UInt8>, into output: UnsafeMutableRawBufferPointer
    ) {
        precondition(output.count.isMultiple(of: Self.blockBytes))
        guard let target = output.baseAddress else { return }
        ck_sha256_batch(
            features, input, inputBytes, output.count / Self.blockBytes,
            target.assumingMemoryBound(to: UInt8.self))
    }
}

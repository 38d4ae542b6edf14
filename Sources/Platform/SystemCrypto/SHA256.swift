// SPDX-License-Identifier: Apache-2.0

import CLibCrypto

/// SHA-256 (FIPS 180-4) by the system's libcrypto: an implementation that is not ours, against which
/// ours is checked. Any thread.
package enum LibrarySHA256 {
    package static let digestBytes = Int(SHA256_DIGEST_LENGTH)

    /// Writes the digest of `message` to `digest`, which has room for `digestBytes`.
    package static func hash(
        _ message: UnsafeRawBufferPointer, into digest: UnsafeMutablePointer<UInt8>
    ) {
        let result = SHA256(
            message.baseAddress?.assumingMemoryBound(to: UInt8.self), message.count, digest)
        precondition(result != nil, "libcrypto has SHA-256")
    }

    /// The digest of `message`: `digestBytes` bytes.
    package static func digest(of message: some Collection<UInt8>) -> [UInt8] {
        let bytes = Array(message)
        return [UInt8](unsafeUninitializedCapacity: digestBytes) { digest, filled in
            guard let start = digest.baseAddress else { return }
            bytes.withUnsafeBytes { hash($0, into: start) }
            filled = digestBytes
        }
    }
}

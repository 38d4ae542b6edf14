// SPDX-License-Identifier: Apache-2.0

package import CKernelSupport

/// A way through the kernels that this machine can run, for tests that compare them all.
package struct KernelPath: Sendable, CustomStringConvertible {
    package let features: ck_features
    package let description: String

    private init(_ description: String, _ features: ck_features) {
        self.description = description
        self.features = features
    }

    private static func available(_ paths: [KernelPath]) -> [KernelPath] {
        paths.filter { $0.features & ~ck_features_here() == 0 }
    }

    /// The paths of kernels that use wide registers: lane sampling, lane health, networks.
    package static let strips = available([
        KernelPath("portable", 0),
        KernelPath("AVX2", ck_features(CK_AVX2)),
        KernelPath("AVX-512", ck_features(CK_AVX2) | ck_features(CK_AVX512)),
    ])

    package static let compaction = available([
        KernelPath("portable", 0), KernelPath("BMI2", ck_features(CK_BMI2)),
    ])

    package static let sha256 = available([
        KernelPath("portable", 0), KernelPath("SHA", ck_features(CK_SHA)),
    ])

    package static let crc32c = available([
        KernelPath("portable", 0), KernelPath("SSE 4.2", ck_features(CK_CRC32)),
    ])
}

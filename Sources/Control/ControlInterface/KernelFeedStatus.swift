// SPDX-License-Identifier: Apache-2.0

package import BoardProtocol

/// The feeding of the kernel's generator.
package struct KernelFeedStatus: Codable, Sendable, Equatable {
    package var intervalSeconds: Int
    package var contributions: Int
    package var bytes: Int
    package var creditedBits: Int
    /// Seconds since the Unix epoch; nil before the first contribution.
    @Nullable package var lastFed: Double?
    /// Why the last attempt failed; nil when it did not.
    @Nullable package var cause: String?
    @Nullable package var remedy: String?

    package init(
        intervalSeconds: Int, contributions: Int, bytes: Int, creditedBits: Int, lastFed: Double?,
        cause: String?, remedy: String?
    ) {
        self.intervalSeconds = intervalSeconds
        self.contributions = contributions
        self.bytes = bytes
        self.creditedBits = creditedBits
        self.lastFed = lastFed
        self.cause = cause
        self.remedy = remedy
    }
}

// SPDX-License-Identifier: Apache-2.0

package import EntropyTerms
package import LinuxPlatform

/// The way of one grade from a pipeline to the consumer: a ring that holds finished bits of that grade only.
package struct EntropyChannel: Sendable {
    package let grade: Grade
    package let ring: EntropyRing

    package init(_ grade: Grade, _ ring: EntropyRing) {
        self.grade = grade
        self.ring = ring
    }

    /// - Parameters:
    ///   - capacity: of the ring, in bytes; a power of two.
    ///   - locked: whether the memory must be kept from swap.
    package init(_ grade: Grade, capacity: Int, locked: Bool) throws(SystemError) {
        self.init(grade, try EntropyRing(capacity: capacity, locked: locked))
    }
}

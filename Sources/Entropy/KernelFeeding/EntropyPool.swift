// SPDX-License-Identifier: Apache-2.0

package import LinuxPlatform

/// Where contributions go: the kernel's generator, or what a test has in its place.
package protocol EntropyPool: Sendable {
    /// Throws when no contribution can be made. Takes no bits.
    func check() throws(SystemError)

    /// Mixes in all bytes of a contribution, and credits the pool with `creditedBits` bits: at most 8 per byte. Does
    /// not keep the bytes.
    func add(_ contribution: KernelContribution, creditedBits: Int) throws(SystemError)
}

/// The kernel's own generator.
package struct KernelPool: EntropyPool {
    private let path: String

    /// - Parameter path: the device; another one in tests.
    package init(path: String = "/dev/random") { self.path = path }

    package func check() throws(SystemError) {
        try KernelContribution(count: 1, locked: false).add(count: 0, creditedBits: 0, to: path)
    }

    package func add(
        _ contribution: KernelContribution, creditedBits: Int
    ) throws(SystemError) {
        try contribution.add(
            count: contribution.bytes.count, creditedBits: creditedBits, to: path)
    }
}

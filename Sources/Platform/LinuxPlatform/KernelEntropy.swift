// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// Bytes for the kernel's generator, in memory that is kept from dumps and, with `locked`, from
/// swap. For one thread at a time.
package final class KernelContribution {
    private let memory: LockedMemory
    /// The bytes; the user writes them, and `wipe` takes them away.
    package let bytes: UnsafeMutableRawBufferPointer

    /// - Parameter count: how many bytes, from 1 to 1,048,576.
    package init(count: Int, locked: Bool) throws(SystemError) {
        precondition((1...1 << 20).contains(count))
        let head = Int(CLINUX_ENTROPY_HEAD)
        memory = try LockedMemory(count: head + count, locked: locked)
        bytes = UnsafeMutableRawBufferPointer(rebasing: memory.bytes[head...])
    }

    package func wipe() { LinuxPlatform.wipe(memory.bytes) }

    /// Mixes the first bytes into the generator behind a device.
    ///
    /// - Parameters:
    ///   - path: of the device, as a rule /dev/random.
    ///   - count: how many bytes; with 0 nothing changes but that it is known whether it may be done.
    ///   - creditedBits: at most 8 for each byte.
    /// - Throws: `EPERM` when this process may not, for want of the capability CAP_SYS_ADMIN.
    package func add(count: Int, creditedBits: Int, to path: String) throws(SystemError) {
        precondition((0...bytes.count).contains(count) && (0...8 * count).contains(creditedBits))
        let device = Descriptor(
            owning: try system("open", path) { open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY) })
        try system("add entropy to", path) {
            clinux_entropy_add(device.raw, memory.bytes.baseAddress, count, creditedBits)
        }
    }
}

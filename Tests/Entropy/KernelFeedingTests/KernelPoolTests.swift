// SPDX-License-Identifier: Apache-2.0

import Glibc
import KernelFeeding
import LinuxPlatform
import Testing

@Suite(
    "The kernel's generator as a pool: the call with nothing credited; files that are no generator; wiping"
)
struct KernelPoolTests {
    /// Nothing is credited, so that the kernel of the machine that tests is none the worse.
    @Test("The kernel takes bytes, or says that this user may not give them")
    func kernel() throws {
        let contribution = try KernelContribution(count: 64, locked: false)
        do throws(SystemError) {
            try KernelPool().check()
            try KernelPool().add(contribution, creditedBits: 0)
        } catch {
            #expect(error.code == EPERM)
        }
    }

    @Test("What is no generator is told apart, and so is a device that is not there")
    func others() {
        #expect(throws: SystemError("add entropy to", "/dev/null", code: ENOTTY)) {
            try KernelPool(path: "/dev/null").check()
        }
        #expect(throws: SystemError("open", "/dev/nonexistent", code: ENOENT)) {
            try KernelPool(path: "/dev/nonexistent").check()
        }
    }

    @Test("A contribution is wiped with its head")
    func wiping() throws {
        let contribution = try KernelContribution(count: 32, locked: false)
        contribution.bytes.copyBytes(from: [UInt8](repeating: 0xAB, count: 32))
        contribution.wipe()
        #expect(contribution.bytes.allSatisfy { $0 == 0 })
    }
}

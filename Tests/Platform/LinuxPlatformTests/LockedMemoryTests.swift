// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import PlaneTestSupport
import TestSupport
import Testing

@Suite(
    "Locked memory: zeroed, not dumped, wiped in children; limits of lockable memory; wipe")
struct LockedMemoryTests {
    @Test("is zeroed, writable, and as long as asked for", arguments: [1, 4096, 4097, 1 << 20])
    func isZeroed(count: Int) throws {
        let memory = try LockedMemory(count: count, locked: false)
        #expect(memory.bytes.count == count)
        #expect(memory.bytes.allSatisfy { $0 == 0 })
        memory.bytes.initializeMemory(as: UInt8.self, repeating: 0xA5)
        #expect(memory.bytes.allSatisfy { $0 == 0xA5 })
    }

    @Test("is left out of core dumps and wiped in forked children")
    func flags() throws {
        let memory = try LockedMemory(count: 4096, locked: false)
        let flags = try #require(try mappingFlags(of: memory))
        #expect(flags.contains("dd"), "not dumped")
        #expect(flags.contains("wf"), "wiped on fork")
        #expect(!flags.contains("lo"), "not locked")
        #expect(!memory.isLocked)
    }

    @Test("stays in memory when it is to be locked", .enabled(if: !isSanitized))
    func locks() throws {
        let memory = try LockedMemory(count: 4096, locked: true)
        let flags = try #require(try mappingFlags(of: memory))
        #expect(flags.contains("lo"))
        #expect(memory.isLocked)
    }

    @Test("is an error when the limit of lockable memory is too small", .enabled(if: !isSanitized))
    func limitIsTooSmall() async {
        await #expect(processExitsWith: .success) {
            limitLockableMemory(to: 64 * 1024)
            becomeNobody()
            let refusal = SystemError("lock", "1048576 bytes of memory", code: ENOMEM)
            #expect(throws: refusal) { try LockedMemory(count: 1 << 20, locked: true) }
            #expect("\(refusal)" == "cannot lock 1048576 bytes of memory: Cannot allocate memory")
            // What the limit allows, and what needs no lock, can still be had.
            #expect(throws: Never.self) { try LockedMemory(count: 4096, locked: true) }
            #expect(throws: Never.self) { try LockedMemory(count: 1 << 20, locked: false) }
        }
    }

    @Test("is an error when no memory may be locked", .enabled(if: !isSanitized))
    func nothingMayBeLocked() async {
        await #expect(processExitsWith: .success) {
            limitLockableMemory(to: 0)
            becomeNobody()
            let refusal = SystemError("lock", "4096 bytes of memory", code: EPERM)
            #expect(throws: refusal) { try LockedMemory(count: 4096, locked: true) }
        }
    }

    @Test("gives its pages back, so that the limit holds for what is there at once")
    func givesBack() async {
        await #expect(processExitsWith: .success) {
            limitLockableMemory(to: 64 * 1024)
            becomeNobody()
            for _ in 0..<100 { _ = try LockedMemory(count: 48 * 1024, locked: true) }
        }
    }

    @Test("wipes every byte and no other")
    func wipes() {
        var bytes = [UInt8](repeating: 0xFF, count: 67)
        bytes.withUnsafeMutableBytes { wipe(UnsafeMutableRawBufferPointer(rebasing: $0[1..<66])) }
        #expect(bytes == [0xFF] + [UInt8](repeating: 0, count: 65) + [0xFF])
        wipe(UnsafeMutableRawBufferPointer(start: nil, count: 0))
    }
}

/// The kernel's two-letter flags (proc(5), VmFlags) of the mapping that holds `memory`.
private func mappingFlags(of memory: LockedMemory) throws -> [Substring]? {
    let address = UInt(bitPattern: memory.bytes.baseAddress)
    var isInside = false
    for line in try textLines(ofFile: "/proc/self/smaps") {
        let words = line.split(separator: " ")
        let bounds = (words.first ?? "").split(separator: "-").compactMap { UInt($0, radix: 16) }
        if bounds.count == 2 { isInside = (bounds[0]..<bounds[1]).contains(address) }
        if isInside, words.first == "VmFlags:" { return Array(words.dropFirst()) }
    }
    return nil
}

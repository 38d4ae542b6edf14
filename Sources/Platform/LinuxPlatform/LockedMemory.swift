// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// Zeroed pages for bits: left out of core dumps, wiped in forked children, wiped when given back,
/// and, with `locked`, never written to swap.
///
/// Any thread may hold it; its user synchronises access to the bytes.
package final class LockedMemory: @unchecked Sendable {
    package let bytes: UnsafeMutableRawBufferPointer
    package let isLocked: Bool
    private let mappedCount: Int

    /// The `operation` of the error that is thrown when pages cannot be locked.
    package static let lockOperation = "lock"

    /// - Parameters:
    ///   - count: how many bytes; rounded up to whole pages behind the scenes.
    ///   - locked: whether the pages must stay in memory.
    /// - Throws: `ENOMEM` or `EPERM` when the limit of lockable memory does not allow it.
    package init(count: Int, locked: Bool) throws(SystemError) {
        precondition(count > 0)
        let page = Int(getpagesize())
        mappedCount = (count + page - 1) / page * page
        guard let pages = clinux_memory_map(mappedCount, locked) else {
            let operation = locked ? Self.lockOperation : "map"
            throw SystemError(operation, "\(mappedCount) bytes of memory", code: errno)
        }
        bytes = UnsafeMutableRawBufferPointer(start: pages, count: count)
        isLocked = locked
    }

    deinit { clinux_memory_unmap(bytes.baseAddress, mappedCount) }
}

/// Zeroes bytes in a way the compiler may not leave out.
package func wipe(_ bytes: UnsafeMutableRawBufferPointer) {
    guard let base = bytes.baseAddress else { return }
    clinux_wipe(base, bytes.count)
}

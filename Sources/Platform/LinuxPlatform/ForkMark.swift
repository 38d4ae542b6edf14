// SPDX-License-Identifier: Apache-2.0

/// Tells a forked child that it is one: a page that the kernel wipes in children (`MADV_WIPEONFORK`), which neither a
/// process number that is used again nor a fork that calls no handlers deceives.
///
/// For one thread at a time.
package final class ForkMark {
    private let page: LockedMemory

    /// - Throws: when there is no memory.
    package init() throws(SystemError) {
        page = try LockedMemory(count: 8, locked: false)
        set()
    }

    /// Whether this process is a child that was forked since this was last asked, or since `init`.
    package func takeForked() -> Bool {
        guard page.bytes.load(as: UInt64.self) == 0 else { return false }
        set()
        return true
    }

    private func set() { page.bytes.storeBytes(of: 1, as: UInt64.self) }
}

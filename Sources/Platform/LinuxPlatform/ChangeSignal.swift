// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A flag that one thread raises when something has changed, and one listener that is told of it. Any thread may call
/// any member.
///
/// However often it is raised, the listener is called once until `lower`, and once more for the last change. A listener
/// that lowers the flag before it looks at what has changed misses nothing.
package final class ChangeSignal: Sendable {
    private let isRaised = Atomic(false)
    private let isOverFlag = Atomic(false)
    private let listener = Mutex<(@Sendable () -> Void)?>(nil)

    package init() {}

    /// Says that something has changed. The change has to be visible to other threads already.
    package func raise() {
        guard !isRaised.exchange(true, ordering: .acquiringAndReleasing) else { return }
        listener.withLock { $0 }?()
    }

    /// Says that something has changed, and that nothing will change after it.
    package func raiseLast() {
        isOverFlag.store(true, ordering: .releasing)
        _ = isRaised.exchange(true, ordering: .acquiringAndReleasing)
        listener.withLock { $0 }?()
    }

    /// Whether the last change was told of.
    package var isOver: Bool { isOverFlag.load(ordering: .acquiring) }

    /// Says that the listener is about to look.
    package func lower() {
        // An exchange rather than a store: it takes part in the order of those in `raise`, so that the look that
        // follows sees what was changed before a `raise` that found the flag up.
        _ = isRaised.exchange(false, ordering: .acquiringAndReleasing)
    }

    /// Replaces the listener, and calls the new one when the flag is up.
    ///
    /// - Parameter listener: called on the thread that raises the flag; must return soon and never wait.
    package func listen(_ listener: @escaping @Sendable () -> Void) {
        self.listener.withLock { $0 = listener }
        if isRaised.load(ordering: .acquiring) { listener() }
    }
}

// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import Synchronization

/// The queue, from other threads to the loop, of connections whose streams have something new.
final class ChangedStreams: Sendable {
    private let tokens = Mutex<Set<UInt64>>([])
    private let wakeup: Wakeup

    /// - Parameter wakeup: wakes the loop.
    init(wakeup: Wakeup) { self.wakeup = wakeup }

    /// Wakes the loop whenever a stream of replies has something new.
    ///
    /// - Parameter token: of the connection that the answer is for.
    func listen(to answer: VarlinkAnswer, for token: UInt64) {
        guard case .replies(let pace, _) = answer else { return }
        pace.signal?.listen { [self] in
            tokens.withLock { _ = $0.insert(token) }
            wakeup.signal()
        }
    }

    /// Takes the tokens of all connections whose streams have changed since the last call.
    func takeAll() -> Set<UInt64> {
        tokens.withLock { tokens in
            defer { tokens = [] }
            return tokens
        }
    }
}

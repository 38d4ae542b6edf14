// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import Synchronization

/// The connection of an open board, whose read another thread may interrupt.
final class Opened: Sendable {
    private let state = Mutex<(BoardConnection, BoardDescription)?>(nil)

    /// For the thread that sets and clears it.
    var value: (BoardConnection, BoardDescription)? { state.withLock { $0 } }

    func set(_ connection: BoardConnection, _ description: BoardDescription) {
        state.withLock { $0 = (connection, description) }
    }

    func clear() { state.withLock { $0 = nil } }

    func interrupt() { state.withLock { $0?.0.interrupt() } }
}

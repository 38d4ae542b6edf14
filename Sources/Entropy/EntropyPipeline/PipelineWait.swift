// SPDX-License-Identifier: Apache-2.0

/// What a pipeline waits for between two turns of its loop.
package enum PipelineWait: Sendable, Equatable {
    /// Nothing: the next turn may follow at once.
    case none
    /// A moment or an event: see `Ends`. A turn that is taken earlier does no harm.
    case until(Ends)
    /// There is no further turn: the pipeline has stopped.
    case stopped

    /// Everything that may end a wait; the first of them does. A job and a stop always do.
    package struct Ends: Sendable, Equatable {
        /// In monotonic nanoseconds; nil when no time ends the wait.
        package var deadline: UInt64?
        /// Whether room that is freed in the rings ends the wait.
        package var isForSpace = false
        /// A descriptor whose readability ends the wait: boards have come or gone. Nil for none.
        package var changes: Int32?

        package init(deadline: UInt64? = nil, isForSpace: Bool = false, changes: Int32? = nil) {
            self.deadline = deadline
            self.isForSpace = isForSpace
            self.changes = changes
        }
    }
}

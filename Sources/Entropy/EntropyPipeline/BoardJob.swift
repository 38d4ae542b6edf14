// SPDX-License-Identifier: Apache-2.0

package import BoardInterface
package import BoardProtocol
package import LinuxPlatform
package import OperatingPointControl
import Synchronization

/// Something that is done with a board beside serving its bits, at somebody's wish: one at a time, on
/// the pipeline's thread.
package final class BoardJob: Sendable {
    package enum Task: Sendable {
        case setOperatingPoint(OperatingPoint)
        /// Measures at all points of the plan and goes back to the point before.
        case sweep(SweepPlan)
        case record(any FrameSink)
        case inject(FaultOrder)
        case clearFaults
    }

    package enum State: Sendable {
        /// The total is 0 until it was accepted: the board is there and can do it.
        case running(done: Int, total: Int)
        case finished
        case swept(Sweep)
        case recorded(shots: Int)
        case failed(Failure)
    }

    package enum Failure: Error, Sendable, Equatable {
        /// The board is not open now, or failed meanwhile; says why.
        case board(String)
        case notTunable
        case notSimulated
        case outOfRange(TuningViolation)
        /// The board cannot follow the order; says why.
        case badFault(String)
        /// The frames could not be kept; says why.
        case recording(String)
        /// Nobody wants it any more.
        case cancelled
    }

    package let task: Task
    /// Raised whenever the state has changed.
    package let changed = ChangeSignal()
    private let mutableState = Mutex(State.running(done: 0, total: 0))
    private let isCancelledFlag = Atomic(false)

    package init(_ task: Task) { self.task = task }

    /// How far it is. Any thread.
    package var state: State { mutableState.withLock { $0 } }

    /// Asks it to end soon. Any thread.
    package func cancel() { isCancelledFlag.store(true, ordering: .relaxed) }

    var isCancelled: Bool { isCancelledFlag.load(ordering: .relaxed) }

    func enter(_ state: State) {
        mutableState.withLock { $0 = state }
        changed.raise()
    }
}

/// Where recorded frames go. Used on the pipeline's thread.
package protocol FrameSink: AnyObject, Sendable {
    /// How many shots are wanted of each start of the board.
    var shotsPerStart: Int { get }
    /// How often the board is to be started: 1 takes the stream as it runs.
    var starts: Int { get }

    /// Called once, before the first frame.
    func begin(_ board: BoardDescription) throws(FrameSinkError)

    /// Takes a whole, checked frame. May wait for a disk.
    func add(_ frame: FrameReader.Frame) throws(FrameSinkError)
}

/// Why frames could not be kept, in words.
package struct FrameSinkError: Error, Sendable, Equatable {
    package let reason: String
    package init(_ reason: String) { self.reason = reason }
}

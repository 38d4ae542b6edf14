// SPDX-License-Identifier: Apache-2.0

package import BoardInterface
package import BoardProtocol
package import LinuxPlatform
package import OperatingPointControl
import Synchronization

/// A request to do something with a board beside serving its bits. The pipeline's thread does one at a time.
package final class BoardJob: Sendable {
    package enum Task: Sendable {
        case setOperatingPoint(OperatingPoint)
        /// Measures at all points of the plan and restores the operating point afterwards.
        case sweep(SweepPlan)
        case record(any FrameSink)
        case inject(FaultOrder)
        case clearFaults

        /// Whether the task is done with an open board only, and between two reads of it.
        var needsOpenBoard: Bool {
            switch self {
            case .setOperatingPoint, .sweep, .record: true
            case .inject, .clearFaults: false
            }
        }
    }

    package enum State: Sendable {
        /// The total is 0 until the job was accepted: the board is open and can do it.
        case running(done: Int, total: Int)
        case finished
        case swept(Sweep)
        case recorded(shots: Int)
        case failed(Failure)
    }

    package enum Failure: Error, Sendable, Equatable {
        /// The board is not open, or failed while the job was done; says why.
        case board(String)
        case notTunable
        case notSimulated
        case outOfRange(TuningViolation)
        /// The board cannot follow the order; says why.
        case badFault(String)
        /// The frames could not be kept; says why.
        case recording(String)
        /// The client cancelled it.
        case cancelled
    }

    package let task: Task
    /// Raised whenever the state has changed.
    package let changed = ChangeSignal()

    private let mutableState = Mutex(State.running(done: 0, total: 0))
    private let isCancelledFlag = Atomic(false)

    package init(_ task: Task) { self.task = task }

    /// The progress or the outcome. Any thread.
    package var state: State { mutableState.withLock { $0 } }

    /// Asks the job to end soon. Any thread.
    package func cancel() { isCancelledFlag.store(true, ordering: .relaxed) }

    var isCancelled: Bool { isCancelledFlag.load(ordering: .relaxed) }

    func enter(_ state: State) {
        mutableState.withLock { $0 = state }
        changed.raise()
    }
}

/// A destination of recorded frames. Used on the pipeline's thread.
package protocol FrameSink: AnyObject, Sendable {
    /// The number of shots wanted from each start of the board.
    var shotsPerStart: Int { get }
    /// The number of starts of the board; 1 takes the stream as it runs.
    var starts: Int { get }

    /// Called once, before the first frame.
    func begin(_ board: BoardDescription) throws(FrameSinkError)

    /// Takes a whole, checked frame. May wait for a disk.
    func add(_ frame: FrameReader.Frame) throws(FrameSinkError)
}

/// The reason why frames could not be kept, in words.
package struct FrameSinkError: Error, Sendable, Equatable {
    package let reason: String
    package init(_ reason: String) { self.reason = reason }
}

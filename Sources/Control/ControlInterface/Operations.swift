// SPDX-License-Identifier: Apache-2.0

package import BoardProtocol
package import LinuxPlatform
package import Varlink

/// The side of the daemon that makes the changes that clients ask for.
///
/// Every call comes from the control plane's thread and must not wait.
package protocol ControlOperator: Sendable {
    /// Whether this client may change things.
    func mayChange(_ peer: PeerCredentials) -> Bool

    /// Begins an operation of a board.
    ///
    /// - Parameter board: its name.
    /// - Throws: the errors of the interface.
    func begin(
        _ operation: BoardOperation, on board: String
    ) throws(VarlinkError) -> any BoardOperationProgress

    /// Begins to read the configuration again.
    func reload() -> any ReloadProgress
}

/// A reload that is under way.
package protocol ReloadProgress: AnyObject, Sendable {
    /// Raised when the reload is over.
    var changed: ChangeSignal { get }

    /// The outcome; nil while the reload is under way. Throws the errors of the interface when it was refused.
    func poll() throws(VarlinkError) -> ReloadReport?
}

/// An operation of a board that a client asks for.
package enum BoardOperation: Sendable {
    case setOperatingPoint(PartialOperatingPoint)
    case calibrate(SweepRequest)
    case record(RecordRequest)
    case inject(FaultRequest)
    case clearFaults
}

/// An operation that is under way. It is cancelled when nobody holds it any more.
package protocol BoardOperationProgress: AnyObject, Sendable {
    /// Raised whenever the operation is further than before, and when it is over.
    var changed: ChangeSignal { get }

    /// How far it is. Throws the errors of the interface when it has failed.
    func poll() throws(VarlinkError) -> BoardOperationStep
}

package enum BoardOperationStep: Sendable {
    /// The total is 0 until it was accepted: the board is there and can do it.
    case running(done: Int, total: Int)
    case finished(BoardOperationResult)
}

package enum BoardOperationResult: Sendable {
    case done
    case operatingPoint(OperatingPoint)
    case swept(SweepReport)
    case recorded(RecordingProgress)
}

/// `count` values from `from` to `to`, at equal distances.
package struct SweepRange: Codable, Sendable, Equatable {
    package var from: Double
    package var to: Double
    package var count: Int

    package init(from: Double, to: Double, count: Int) {
        self.from = from
        self.to = to
        self.count = count
    }

    package var values: [Double] {
        let step = count > 1 ? (to - from) / Double(count - 1) : 0
        return (0..<count).map { from + Double($0) * step }
    }

    /// Whether it says which values are meant, and how many within reason.
    package var isValid: Bool {
        from.isFinite && to.isFinite && (1...SweepRequest.maximumPoints).contains(count)
            && (count > 1 || from == to) && (to - from).isFinite
    }
}

/// Operating points to measure: every width at every amplitude.
package struct SweepRequest: Sendable, Equatable {
    package static let maximumPoints = 4096
    /// The shots for which each point can be measured.
    package static let shotLimits = 1_024...10_000_000

    /// In mV; nil for that of the board.
    package var amplitudes: SweepRange?
    /// In ps; nil for that of the board.
    package var widths: SweepRange?
    package var shotsPerPoint: Int

    package init(amplitudes: SweepRange?, widths: SweepRange?, shotsPerPoint: Int) {
        self.amplitudes = amplitudes
        self.widths = widths
        self.shotsPerPoint = shotsPerPoint
    }
}

/// Frames to keep.
package struct RecordRequest: Sendable {
    package static let restartLimits = 1...10_000
    /// More shots than any disk holds would overflow their count.
    package static let shotLimits = 1...1_000_000_000_000

    /// A regular file of the client, open for writing.
    package var file: Descriptor
    /// Shots of each start of the board.
    package var shots: Int
    /// How often the board is to be started; 1 takes the stream as it runs.
    package var restarts: Int

    package init(file: Descriptor, shots: Int, restarts: Int) {
        self.file = file
        self.shots = shots
        self.restarts = restarts
    }
}

/// Something that shall go wrong.
package struct FaultRequest: Sendable, Equatable {
    package var fault: String
    package var lanes: [Int]
    package var afterShots: Int
    package var forShots: Int?

    package init(fault: String, lanes: [Int], afterShots: Int, forShots: Int?) {
        self.fault = fault
        self.lanes = lanes
        self.afterShots = afterShots
        self.forShots = forShots
    }

    /// What ends all faults, in place of a fault.
    package static let none = "none"
}

// SPDX-License-Identifier: Apache-2.0

package import BoardInterface
package import BoardProtocol
package import LaneHealth

/// Something that belongs in a log.
package enum PipelineEvent: Sendable, Equatable {
    /// The board was opened, and its first frame has come.
    case opened(BoardDescription)
    case became(PipelineState)
    case alarm(LaneAlarm)
    /// Shots that the board or the cable lost.
    case shotsDropped(UInt64)
    /// A frame that could not be used: the first after one that could.
    case framesRejected(FrameReader.Rejection)
    case operatingPointSet(OperatingPoint)
    case recorded(shots: Int)
    /// A fault was injected when the given number of shots had been judged; alarms count in the same way.
    case faultInjected(FaultOrder, judgedShots: Int)
    case faultsCleared
}

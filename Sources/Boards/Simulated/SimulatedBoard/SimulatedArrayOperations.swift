// SPDX-License-Identifier: Apache-2.0

package import BoardInterface
import BoardProtocol

/// The model writes without errors. Its pulses take the time of as many shots.
extension SimulatedArrayBoard: ArrayBoard {
    /// The mask that was set last.
    package var laneMask: [UInt64] { array.mask }

    package func setLaneMask(_ mask: [UInt64]) throws(BoardError) {
        try prepareOperation()
        array.setMask(mask)
    }

    package func writeStates(_ states: [UInt64]) throws(BoardError) {
        try prepareOperation()
        array.write(states)
    }

    package func pulse(count: Int) throws(BoardError) {
        precondition((0...ArrayOperation.pulseLimit).contains(count))
        try prepareOperation()
        array.pulse(count: count)
    }

    package func readStates() throws(BoardError) -> [UInt64] {
        try prepareOperation()
        return array.readStates()
    }

    private func prepareOperation() throws(BoardError) {
        precondition(!isStreaming, "an array operation while the stream runs")
        try checkPresence()
    }
}

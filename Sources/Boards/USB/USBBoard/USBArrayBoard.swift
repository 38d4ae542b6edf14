// SPDX-License-Identifier: Apache-2.0

package import BoardInterface
import BoardProtocol

/// Works on boards that have array operations, and a mask, by their description. Others refuse with `unsupported`.
extension USBBoard: ArrayBoard {
    package func setLaneMask(_ mask: [UInt64]) throws(BoardError) {
        let (connection, description) = try idleArray()
        precondition(mask.count == description.wordsPerShot)
        try connection.setLaneMask(mask)
    }

    package func writeStates(_ states: [UInt64]) throws(BoardError) {
        let (connection, description) = try idleArray()
        precondition(states.count == description.wordsPerShot)
        try connection.writeStates(states)
    }

    package func pulse(count: Int) throws(BoardError) {
        precondition((0...ArrayOperation.pulseLimit).contains(count))
        let (connection, _) = try idleArray()
        if count > 0 { try connection.pulse(count: count) }
    }

    package func readStates() throws(BoardError) -> [UInt64] {
        let (connection, description) = try idleArray()
        return try connection.readStates(lanes: description.lanes)
    }

    private func idleArray() throws(BoardError) -> (BoardConnection, BoardDescription) {
        precondition(!isStreaming, "an array operation while the stream runs")
        let (connection, description) = try current()
        guard description.hasArrayOperations else {
            throw .unsupported("\(description.serial) has no array operations")
        }
        return (connection, description)
    }
}

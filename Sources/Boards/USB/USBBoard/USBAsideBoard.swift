// SPDX-License-Identifier: Apache-2.0

package import BoardInterface
package import BoardProtocol

/// Works on boards that can set lanes aside, by their description. Others refuse with `unsupported`.
extension USBBoard: AsideBoard {
    package func setLanesAside(_ lanes: [UInt64]) throws(BoardError) {
        let (connection, description) = try asideArray()
        precondition(lanes.count == description.wordsPerShot)
        try connection.setLanesAside(lanes)
    }

    package func setAsidePoint(_ point: OperatingPoint) throws(BoardError) {
        try asideArray().0.setAsidePoint(point)
    }

    package func setAsideTrims(_ trims: [Int16]) throws(BoardError) {
        let (connection, description) = try asideArray()
        precondition(trims.count == description.lanes)
        try connection.setTrims(trims, of: .aside)
    }

    package func setAsideMask(_ mask: [UInt64]) throws(BoardError) {
        let (connection, description) = try asideArray()
        precondition(mask.count == description.wordsPerShot)
        try connection.setAsideMask(mask)
    }

    package func writeAside(_ states: [UInt64]) throws(BoardError) {
        let (connection, description) = try asideArray()
        precondition(states.count == description.wordsPerShot)
        try connection.writeAside(states)
    }

    package func pulseAside(count: Int) throws(BoardError) {
        precondition((0...ArrayOperation.pulseLimit).contains(count))
        let (connection, _) = try asideArray()
        if count > 0 { try connection.pulseAside(count: count) }
    }

    package func readAside() throws(BoardError) -> [UInt64] {
        let (connection, description) = try asideArray()
        return try connection.readAside(lanes: description.lanes)
    }

    private func asideArray() throws(BoardError) -> (BoardConnection, BoardDescription) {
        let (connection, description) = try current()
        guard description.canSetLanesAside else {
            throw .unsupported("\(description.serial) cannot set lanes aside")
        }
        return (connection, description)
    }
}

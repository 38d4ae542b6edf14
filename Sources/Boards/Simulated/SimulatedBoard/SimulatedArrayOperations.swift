// SPDX-License-Identifier: Apache-2.0

package import BoardInterface
package import BoardProtocol
package import DevicePhysics

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

/// Pulses of lanes aside take the time of as many shots: they age the array, and the stream's next shots come later.
extension SimulatedArrayBoard: AsideBoard {
    /// The chain that each lane's device has at this shot when it is aside.
    package var chainsAside: [SwitchingChain] { array.chainsAside }

    /// The lanes that are masked or aside.
    package var hiddenLanes: Int { array.hiddenLanes }

    package func setLanesAside(_ lanes: [UInt64]) throws(BoardError) {
        try checkPresence()
        array.setAside(lanes)
    }

    package func setAsidePoint(_ point: OperatingPoint) throws(BoardError) {
        try checkPresence()
        array.aside.operatingPoint = point
    }

    package func setAsideTrims(_ trims: [Int16]) throws(BoardError) {
        precondition(trims.count == array.devices.count)
        try checkPresence()
        array.aside.trims = trims
    }

    package func setAsideMask(_ mask: [UInt64]) throws(BoardError) {
        precondition(mask.count == array.words)
        try checkPresence()
        array.aside.mask = mask
    }

    package func writeAside(_ states: [UInt64]) throws(BoardError) {
        precondition(states.count == array.words)
        try checkPresence()
        array.aside.write(states)
    }

    package func pulseAside(count: Int) throws(BoardError) {
        precondition((0...ArrayOperation.pulseLimit).contains(count))
        try checkPresence()
        array.pulseAside(count: count)
    }

    package func readAside() throws(BoardError) -> [UInt64] {
        try checkPresence()
        return array.readAside()
    }
}

// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol

/// Requests for lanes that are set aside: all on endpoint 0, whether the board streams or not.
extension BoardConnection {
    func setLanesAside(_ lanes: [UInt64]) throws(BoardError) {
        try set(.lanesAside, LaneRecords.bytes(bits: lanes))
    }

    func setAsidePoint(_ point: OperatingPoint) throws(BoardError) {
        try set(
            .operatingPoint, value: LaneSet.aside.rawValue, OperatingPointRecord(point).bytes)
    }

    func setAsideMask(_ mask: [UInt64]) throws(BoardError) {
        try set(.setLaneMask, value: LaneSet.aside.rawValue, LaneRecords.bytes(bits: mask))
    }

    func writeAside(_ states: [UInt64]) throws(BoardError) {
        try set(.array, value: AsideOperation.write.rawValue, LaneRecords.bytes(bits: states))
    }

    /// - Parameter count: from 1 to `ArrayOperation.pulseLimit`.
    func pulseAside(count: Int) throws(BoardError) {
        try set(
            .array, value: AsideOperation.pulse.rawValue, ArrayOperation.bytes(pulses: count))
    }

    func readAside(lanes: Int) throws(BoardError) -> [UInt64] {
        let states = try get(.array, value: AsideOperation.read.rawValue, count: lanes / 8)
        guard states.count == lanes / 8 else {
            throw .stalled(
                "its states of lanes aside take \(states.count) bytes instead of \(lanes / 8)")
        }
        return LaneRecords.bits(parsing: states)
    }
}

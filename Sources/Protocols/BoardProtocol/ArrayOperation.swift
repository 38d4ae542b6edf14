// SPDX-License-Identifier: Apache-2.0

/// The three operations on the array of which everything else is made: wValue of `BoardRequest.array`. Only while the
/// board does not stream.
package enum ArrayOperation: UInt16, Sendable, CaseIterable {
    /// To the board, no data: the next lanes / 8 bytes on endpoint 3 are the states of all devices.
    case write = 1
    /// To the board: a u32, the number of pulses for every device, from 1 to `pulseLimit`.
    case pulse = 2
    /// To the board, no data: sends a frame of one shot with the states of all devices.
    case read = 3

    package static let pulseLimit = 65_536

    /// The data of `pulse`.
    ///
    /// - Parameter count: from 1 to `pulseLimit`.
    package static func bytes(pulses count: Int) -> [UInt8] {
        var writer = RecordWriter()
        writer.put(UInt32(count))
        return writer.bytes
    }

    /// The number of pulses that the data of `pulse` asks for.
    package static func pulses(parsing bytes: [UInt8]) throws(RecordDefect) -> Int {
        guard bytes.count >= 4 else { throw .tooShort(bytes.count, needed: 4) }
        var reader = RecordReader(bytes)
        let count = Int(reader.take(UInt32.self))
        guard (1...pulseLimit).contains(count) else {
            throw .field("number of pulses", value: Int64(count))
        }
        return count
    }
}

/// The same operations on the lanes that are set aside: wValue of `BoardRequest.array`. Also while the board streams.
/// All their data is on endpoint 0.
package enum AsideOperation: UInt16, Sendable, CaseIterable {
    /// To the board: the states of the lanes aside, lanes / 8 bytes; bits of other lanes are ignored.
    case write = 0x11
    /// To the board: the number of pulses for every lane aside, as for `ArrayOperation.pulse`.
    case pulse = 0x12
    /// From the board: the states of the lanes aside, lanes / 8 bytes, 0 for other lanes.
    case read = 0x13
}

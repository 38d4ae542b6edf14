// SPDX-License-Identifier: Apache-2.0

/// How a board is: the answer to `getStatus` with wValue 0, 32 bytes, or more from a later minor version.
///
/// | at | type | field |
/// |---|---|---|
/// | 0 | u8 | activity: 0 idle, 1 streaming, 2 link test |
/// | 1 | u8 | why the last request was refused; 0 when none was since power-up or `reset` |
/// | 2 | i16 | temperature of the array, 0.01 °C |
/// | 4 | u16 | lanes masked |
/// | 6 | u16 | 0 |
/// | 8 | u64 | shots since `start` |
/// | 16 | u32 | frames since `start` |
/// | 20 | u32 | shots dropped since `start` |
/// | 24 | u32 | requests refused since power-up or `reset` |
/// | 28 | u32 | 0 |
package struct StatusRecord: Sendable, Equatable {
    package enum Activity: UInt8, Sendable {
        case idle = 0
        case streaming = 1
        case linkTest = 2
    }

    /// Why a board refuses a request, which it does with a stall of endpoint 0.
    package enum Refusal: UInt8, Sendable, CaseIterable {
        case none = 0
        /// There is no such request, or not in this direction.
        case unknownRequest = 1
        /// A value is outside what `getInfo` says.
        case badValue = 2
        /// The data stage has another length than the request needs.
        case badLength = 3
        /// Not while the board streams.
        case streaming = 4
        /// The board does not have this feature.
        case notOffered = 5
    }

    package static let byteCount = 32

    package var activity = Activity.idle
    package var lastRefusal = Refusal.none
    /// In units of 0.01 °C.
    package var temperature: Int16 = 0
    package var lanesMasked: UInt16 = 0
    package var shots: UInt64 = 0
    package var frames: UInt32 = 0
    package var droppedShots: UInt32 = 0
    package var refusals: UInt32 = 0

    package init() {}

    package var bytes: [UInt8] {
        var writer = RecordWriter()
        writer.put(activity.rawValue)
        writer.put(lastRefusal.rawValue)
        writer.put(temperature)
        writer.put(lanesMasked)
        writer.put(UInt16(0))
        writer.put(shots)
        writer.put(frames)
        writer.put(droppedShots)
        writer.put(refusals)
        writer.put(UInt32(0))
        return writer.bytes
    }

    package init(parsing bytes: [UInt8]) throws(RecordDefect) {
        guard bytes.count >= Self.byteCount else {
            throw .tooShort(bytes.count, needed: Self.byteCount)
        }
        var reader = RecordReader(bytes)
        activity = try Self.named("activity", reader.take())
        lastRefusal = try Self.named("refusal", reader.take())
        temperature = reader.take()
        lanesMasked = reader.take()
        reader.skip(2)
        shots = reader.take()
        frames = reader.take()
        droppedShots = reader.take()
        refusals = reader.take()
    }

    private static func named<Name: RawRepresentable<UInt8>>(
        _ field: String, _ value: UInt8
    ) throws(RecordDefect) -> Name {
        guard let name = Name(rawValue: value) else { throw .field(field, value: Int64(value)) }
        return name
    }
}

// SPDX-License-Identifier: Apache-2.0

/// What a board says about itself: the answer to `getInfo`, 64 bytes. A later minor version may append to
/// it, so that more bytes are no error.
///
/// | at | type | field |
/// |---|---|---|
/// | 0 | u8, u8 | major and minor version of MEB |
/// | 2 | u16 | bytes in the record |
/// | 4 | u8, u8 | major and minor version of the firmware |
/// | 6 | u8 | encoding: 0 states, 1 toggles |
/// | 7 | u8 | 0 |
/// | 8 | u32 | features |
/// | 12 | u16 | lanes |
/// | 14 | u16 | 0 |
/// | 16 | u32 | largest payload of a frame, bytes |
/// | 20 | u32 | shots a second; 0 when it is not known |
/// | 24 | u32 | shots that may still come with the trim before, once a new one is set |
/// | 28 | i16, i16 | least and largest trim |
/// | 32 | u32, u32 | least and largest amplitude, µV |
/// | 40 | u32, u32 | least and largest pulse width, fs |
/// | 48 | i32, i32 | least and largest bias field, nT |
/// | 56 | 8 bytes | 0 |
package struct InfoRecord: Sendable, Equatable {
    package struct Features: OptionSet, Sendable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }
        /// The array is a model: its bits are not random, and nothing may present them as such.
        package static let simulated = Features(rawValue: 1)
        /// The operating point can be set.
        package static let operatingPoint = Features(rawValue: 2)
        package static let laneTrim = Features(rawValue: 4)
        package static let laneMask = Features(rawValue: 8)
        /// The resistance of every device is measured.
        package static let resistances = Features(rawValue: 16)
        package static let array = Features(rawValue: 32)
        package static let events = Features(rawValue: 64)
        /// Lanes can be set aside from the stream. From minor version 1 on.
        package static let lanesAside = Features(rawValue: 128)
        /// The features that a board with `lanesAside` has as well.
        package static let besideLanesAside: Features = [.operatingPoint, .laneTrim, .laneMask, .array]
    }

    package static let byteCount = 64

    package var minorVersion: UInt8
    package var firmware: (major: UInt8, minor: UInt8)
    package var encoding: LaneEncoding
    package var features: Features
    package var lanes: Int
    package var maximumPayload: Int
    package var shotsPerSecond: UInt32
    package var tuning: Tuning

    package init(
        minorVersion: UInt8 = BoardInterface.minorVersion, firmware: (major: UInt8, minor: UInt8),
        encoding: LaneEncoding, features: Features, lanes: Int, maximumPayload: Int,
        shotsPerSecond: UInt32, tuning: Tuning
    ) {
        self.minorVersion = minorVersion
        self.firmware = firmware
        self.encoding = encoding
        self.features = features
        self.lanes = lanes
        self.maximumPayload = maximumPayload
        self.shotsPerSecond = shotsPerSecond
        self.tuning = tuning
    }

    /// Whether lanes can be set aside: a board of minor version 0, and one that lacks what belongs to it, cannot.
    package var canSetLanesAside: Bool {
        minorVersion >= 1 && features.isSuperset(of: Features.besideLanesAside.union(.lanesAside))
    }

    package static func == (left: Self, right: Self) -> Bool { left.bytes == right.bytes }

    package var bytes: [UInt8] {
        var writer = RecordWriter()
        writer.put(BoardInterface.majorVersion)
        writer.put(minorVersion)
        writer.put(UInt16(Self.byteCount))
        writer.put(firmware.major)
        writer.put(firmware.minor)
        writer.put(UInt8(encoding == .toggles ? 1 : 0))
        writer.put(UInt8(0))
        writer.put(features.rawValue)
        writer.put(UInt16(lanes))
        writer.put(UInt16(0))
        writer.put(UInt32(maximumPayload))
        writer.put(shotsPerSecond)
        writer.put(UInt32(tuning.trimLatencyShots))
        writer.put(tuning.trim.lowerBound)
        writer.put(tuning.trim.upperBound)
        writer.put(UInt32((tuning.amplitudeMillivolts.lowerBound * 1000).rounded()))
        writer.put(UInt32((tuning.amplitudeMillivolts.upperBound * 1000).rounded()))
        writer.put(UInt32((tuning.pulseWidthPicoseconds.lowerBound * 1000).rounded()))
        writer.put(UInt32((tuning.pulseWidthPicoseconds.upperBound * 1000).rounded()))
        writer.put(Int32((tuning.biasFieldMicrotesla.lowerBound * 1000).rounded()))
        writer.put(Int32((tuning.biasFieldMicrotesla.upperBound * 1000).rounded()))
        writer.put(UInt64(0))
        return writer.bytes
    }

    /// - Throws: for a record of another major version, and for one that says what no board can be.
    package init(parsing bytes: [UInt8]) throws(RecordDefect) {
        // The version comes first: another one may have another length.
        guard let major = bytes.first else { throw .tooShort(0, needed: Self.byteCount) }
        guard major == BoardInterface.majorVersion else { throw .majorVersion(major) }
        guard bytes.count >= Self.byteCount else {
            throw .tooShort(bytes.count, needed: Self.byteCount)
        }
        var reader = RecordReader(bytes)
        reader.skip(1)
        minorVersion = reader.take()
        let length: UInt16 = reader.take()
        try Self.check("length", length, Self.byteCount <= Int(length))
        firmware = (reader.take(), reader.take())
        encoding = try Self.encoding(reader.take())
        reader.skip(1)
        features = Features(rawValue: reader.take())
        lanes = Int(reader.take(UInt16.self))
        try Self.check(
            "number of lanes", lanes,
            BoardDescription.laneLimits.contains(lanes) && lanes.isMultiple(of: 64))
        reader.skip(2)
        maximumPayload = Int(reader.take(UInt32.self))
        try Self.check(
            "largest payload", maximumPayload,
            (lanes / 8...FrameHeader.payloadLimit).contains(maximumPayload))
        shotsPerSecond = reader.take()
        tuning = try Self.tuning(&reader)
    }

    private static func encoding(_ value: UInt8) throws(RecordDefect) -> LaneEncoding {
        switch value {
        case 0: return .states
        case 1: return .toggles
        default: throw .field("encoding", value: Int64(value))
        }
    }

    private static func tuning(_ reader: inout RecordReader) throws(RecordDefect) -> Tuning {
        let latency: UInt32 = reader.take()
        try check("trim latency", latency, latency <= latencyLimit)
        let trim: ClosedRange<Int16> = try range("trim", reader.take(), reader.take())
        let amplitude: ClosedRange<UInt32> = try range("amplitude", reader.take(), reader.take())
        let width: ClosedRange<UInt32> = try range("pulse width", reader.take(), reader.take())
        let field: ClosedRange<Int32> = try range("bias field", reader.take(), reader.take())
        return Tuning(
            amplitudeMillivolts: amplitude.inThousands, pulseWidthPicoseconds: width.inThousands,
            biasFieldMicrotesla: field.inThousands, trim: trim, trimLatencyShots: Int(latency))
    }

    /// No sensible board needs longer for a trim; in shots.
    private static let latencyLimit: UInt32 = 1 << 20

    private static func check(
        _ name: String, _ value: some BinaryInteger, _ isPossible: Bool
    ) throws(RecordDefect) {
        if !isPossible { throw .field(name, value: Int64(value)) }
    }

    private static func range<Bound: BinaryInteger>(
        _ name: String, _ least: Bound, _ largest: Bound
    ) throws(RecordDefect) -> ClosedRange<Bound> {
        try check("smallest \(name), above the largest,", least, least <= largest)
        return least...largest
    }
}

extension ClosedRange where Bound: BinaryInteger {
    fileprivate var inThousands: ClosedRange<Double> {
        Double(lowerBound) / 1000...Double(upperBound) / 1000
    }
}

// SPDX-License-Identifier: Apache-2.0

/// The 12 bytes of an operating point on the cable, which are in other units than the point itself: amplitude in µV
/// (u32), pulse width in fs (u32), bias field in nT (i32).
package struct OperatingPointRecord: Sendable, Equatable {
    package static let byteCount = 12

    package let point: OperatingPoint

    /// - Parameter point: within the ranges of the three integers; it is rounded to their units.
    package init(_ point: OperatingPoint) { self.point = point }

    package var bytes: [UInt8] {
        var writer = RecordWriter()
        writer.put(UInt32((point.amplitudeMillivolts * 1000).rounded()))
        writer.put(UInt32((point.pulseWidthPicoseconds * 1000).rounded()))
        writer.put(Int32((point.biasFieldMicrotesla * 1000).rounded()))
        return writer.bytes
    }

    package init(parsing bytes: [UInt8]) throws(RecordDefect) {
        guard bytes.count >= Self.byteCount else {
            throw .tooShort(bytes.count, needed: Self.byteCount)
        }
        var reader = RecordReader(bytes)
        point = OperatingPoint(
            amplitudeMillivolts: Double(reader.take(UInt32.self)) / 1000,
            pulseWidthPicoseconds: Double(reader.take(UInt32.self)) / 1000,
            biasFieldMicrotesla: Double(reader.take(Int32.self)) / 1000)
    }
}

/// The numbers of lanes on the cable.
package enum LaneRecords {
    package static func bytes(trims: some Sequence<Int16>) -> [UInt8] {
        var writer = RecordWriter()
        for trim in trims { writer.put(trim) }
        return writer.bytes
    }

    /// - Parameter bytes: an even number of them.
    package static func trims(parsing bytes: [UInt8]) -> [Int16] {
        var reader = RecordReader(bytes)
        return (0..<bytes.count / 2).map { _ in reader.take() }
    }

    /// A bit for each lane: the states of the devices, or the mask.
    package static func bytes(bits words: some Sequence<UInt64>) -> [UInt8] {
        var writer = RecordWriter()
        for word in words { writer.put(word) }
        return writer.bytes
    }

    /// - Parameter bytes: a multiple of eight of them.
    package static func bits(parsing bytes: [UInt8]) -> [UInt64] {
        var reader = RecordReader(bytes)
        return (0..<bytes.count / 8).map { _ in reader.take() }
    }

    /// - Parameter ohms: from 0 to 4,294,967; what is outside is told as the nearest of these.
    package static func bytes(resistanceOhms ohms: some Sequence<Float>) -> [UInt8] {
        var writer = RecordWriter()
        for value in ohms { writer.put(UInt32(max(0, min(value, 4_294_967)) * 1000)) }
        return writer.bytes
    }

    /// - Parameter bytes: a multiple of four of them.
    package static func resistanceOhms(parsing bytes: [UInt8]) -> [Float] {
        var reader = RecordReader(bytes)
        return (0..<bytes.count / 4).map { _ in Float(Double(reader.take(UInt32.self)) / 1000) }
    }
}

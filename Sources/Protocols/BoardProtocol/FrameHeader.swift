// SPDX-License-Identifier: Apache-2.0

import CChecksum
import CKernelSupport

/// The 40 bytes before the payload of an MEB/1 frame, all integers little-endian.
///
/// | at | type | field |
/// |---|---|---|
/// | 0 | 4 bytes | magic `MEB1` |
/// | 4 | u8 | version |
/// | 5 | u8 | flags |
/// | 6 | u16 | words per shot |
/// | 8 | u32 | sequence |
/// | 12 | u32 | shots |
/// | 16 | u64 | index of the first shot |
/// | 24 | i16 | temperature, 0.01 °C |
/// | 26 | u16 | lanes masked by the board |
/// | 28 | u32 | shots dropped before this frame |
/// | 32 | u32 | payload bytes |
/// | 36 | u32 | CRC-32C of the header, with this field zero, and the payload |
package struct FrameHeader: Sendable, Equatable {
    /// What is special about a frame.
    package struct Flags: OptionSet, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }
        /// The payload is the counter pattern of the link test, not bits of devices.
        package static let pattern = Flags(rawValue: 1)
        /// Bits say whether devices switched, not the state they are in.
        package static let toggleEncoded = Flags(rawValue: 2)
        /// The board had to drop shots before this frame.
        package static let overflowBefore = Flags(rawValue: 4)
        /// The last frame before the board stops streaming.
        package static let last = Flags(rawValue: 8)
        package static let known: Flags = [pattern, toggleEncoded, overflowBefore, last]
    }

    package static let byteCount = 40
    package static let magic: [UInt8] = Array("MEB1".utf8)
    package static let version: UInt8 = 1
    /// The largest payload of a frame, in bytes.
    package static let payloadLimit = 1 << 20

    package var flags: Flags
    package var wordsPerShot: UInt16
    package var sequence: UInt32
    package var shots: UInt32
    package var firstShot: UInt64
    /// Temperature of the array in units of 0.01 °C.
    package var temperature: Int16
    package var lanesMasked: UInt16
    package var droppedBefore: UInt32

    package init(
        flags: Flags, wordsPerShot: UInt16, sequence: UInt32, shots: UInt32, firstShot: UInt64,
        temperature: Int16, lanesMasked: UInt16 = 0, droppedBefore: UInt32 = 0
    ) {
        self.flags = flags
        self.wordsPerShot = wordsPerShot
        self.sequence = sequence
        self.shots = shots
        self.firstShot = firstShot
        self.temperature = temperature
        self.lanesMasked = lanesMasked
        self.droppedBefore = droppedBefore
    }

    /// Bytes of payload that follow the header.
    package var payloadCount: Int { Int(shots) * Int(wordsPerShot) * 8 }

    /// Why bytes are no frame header that this program can use.
    package enum Defect: Error, Equatable {
        case magic
        case version(UInt8)
        case flags(UInt8)
        /// The payload's size is not shots × words × 8, is zero, or is over the limit.
        case size
    }

    /// Reads a header, without the check of the CRC, which needs the payload.
    ///
    /// - Parameter bytes: at least `byteCount` bytes.
    package init(parsing bytes: UnsafeRawBufferPointer) throws(Defect) {
        guard bytes.prefix(4).elementsEqual(Self.magic) else { throw .magic }
        guard bytes[4] == Self.version else { throw .version(bytes[4]) }
        flags = Flags(rawValue: bytes[5])
        guard Flags.known.isSuperset(of: flags) else { throw .flags(bytes[5]) }
        wordsPerShot = bytes.littleEndian(at: 6)
        sequence = bytes.littleEndian(at: 8)
        shots = bytes.littleEndian(at: 12)
        firstShot = bytes.littleEndian(at: 16)
        temperature = bytes.littleEndian(at: 24)
        lanesMasked = bytes.littleEndian(at: 26)
        droppedBefore = bytes.littleEndian(at: 28)
        let payload: UInt32 = bytes.littleEndian(at: 32)
        let (rows, overflow) = shots.multipliedReportingOverflow(by: UInt32(wordsPerShot) * 8)
        guard !overflow, rows == payload, (1...Self.payloadLimit).contains(Int(payload)) else {
            throw .size
        }
    }

    /// Writes the header of a frame whose payload is already in place behind it.
    ///
    /// - Parameter frame: `byteCount` bytes for the header, then the payload.
    package func write(to frame: UnsafeMutableRawBufferPointer) {
        precondition(frame.count == Self.byteCount + payloadCount)
        frame.copyBytes(from: Self.magic)
        frame[4] = Self.version
        frame[5] = flags.rawValue
        frame.setLittleEndian(wordsPerShot, at: 6)
        frame.setLittleEndian(sequence, at: 8)
        frame.setLittleEndian(shots, at: 12)
        frame.setLittleEndian(firstShot, at: 16)
        frame.setLittleEndian(temperature, at: 24)
        frame.setLittleEndian(lanesMasked, at: 26)
        frame.setLittleEndian(droppedBefore, at: 28)
        frame.setLittleEndian(UInt32(payloadCount), at: 32)
        frame.setLittleEndian(UInt32(0), at: 36)
        let crc = Self.checksum(of: UnsafeRawBufferPointer(frame), checksumField: 36..<40)
        frame.setLittleEndian(crc, at: 36)
    }

    /// Whether the CRC in a whole frame is that of its header and payload.
    package static func checksumHolds(for frame: UnsafeRawBufferPointer) -> Bool {
        let stored: UInt32 = frame.littleEndian(at: 36)
        return stored == checksum(of: frame, checksumField: 36..<40)
    }

    /// CRC-32C of a frame, its checksum field taken as zero.
    private static func checksum(
        of frame: UnsafeRawBufferPointer, checksumField: Range<Int>
    ) -> UInt32 {
        let features = ck_features_here()
        var crc = crc32c(0, frame[..<checksumField.lowerBound], features)
        withUnsafeBytes(of: UInt32(0)) { crc = crc32c(crc, $0[...], features) }
        return crc32c(crc, frame[checksumField.upperBound...], features)
    }
}

private func crc32c(
    _ crc: UInt32, _ bytes: Slice<UnsafeRawBufferPointer>, _ features: ck_features
) -> UInt32 {
    let buffer = UnsafeRawBufferPointer(rebasing: bytes)
    return ck_crc32c(features, crc, buffer.baseAddress, buffer.count)
}

extension UnsafeRawBufferPointer {
    func littleEndian<Value: FixedWidthInteger & BitwiseCopyable>(at offset: Int) -> Value {
        Value(littleEndian: loadUnaligned(fromByteOffset: offset, as: Value.self))
    }
}

extension UnsafeMutableRawBufferPointer {
    func setLittleEndian<Value: FixedWidthInteger & BitwiseCopyable>(
        _ value: Value, at offset: Int
    ) {
        storeBytes(of: value.littleEndian, toByteOffset: offset, as: Value.self)
    }
}

// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol

/// Array operations, as requests and transfers. The board is idle, and has no transfers for the stream.
extension BoardConnection {
    func setLaneMask(_ mask: [UInt64]) throws(BoardError) {
        try set(.setLaneMask, LaneRecords.bytes(bits: mask))
    }

    func writeStates(_ states: [UInt64]) throws(BoardError) {
        // A transfer that failed may have left the endpoint halted.
        try clearHalt(BoardInterface.arrayEndpoint)
        try set(.array, value: ArrayOperation.write.rawValue)
        try write(LaneRecords.bytes(bits: states))
    }

    /// - Parameter count: from 1 to `ArrayOperation.pulseLimit`.
    func pulse(count: Int) throws(BoardError) {
        try set(
            .array, value: ArrayOperation.pulse.rawValue, ArrayOperation.bytes(pulses: count))
    }

    func readStates(lanes: Int) throws(BoardError) -> [UInt64] {
        try clearHalt(BoardInterface.streamEndpoint)
        try set(.array, value: ArrayOperation.read.rawValue)
        let count = FrameHeader.byteCount + lanes / 8
        var frame: [UInt8] = []
        while frame.count < count {
            let packets = (count - frame.count + Self.largestPacket - 1) / Self.largestPacket
            frame += try readOnce(room: packets * Self.largestPacket)
        }
        if let defect = Self.defect(ofArrayFrame: frame, lanes: lanes) {
            throw .stalled("the states that it reads: \(defect)")
        }
        return LaneRecords.bits(parsing: Array(frame[FrameHeader.byteCount...]))
    }

    /// Why bytes are not the frame that a READ gives; nil when they are.
    ///
    /// - Parameter frame: at least a header.
    private static func defect(ofArrayFrame frame: [UInt8], lanes: Int) -> String? {
        frame.withUnsafeBytes { bytes in
            guard let header = try? FrameHeader(parsing: bytes) else { return "no frame" }
            guard header.flags == .last, header.shots == 1, Int(header.wordsPerShot) == lanes / 64,
                bytes.count == FrameHeader.byteCount + header.payloadCount
            else { return "a frame of another kind" }
            return FrameHeader.checksumHolds(for: bytes) ? nil : "the checksum is wrong"
        }
    }
}

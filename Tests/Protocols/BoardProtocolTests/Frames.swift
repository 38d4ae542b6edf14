// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import EntropyTerms

/// A frame of a board of 128 lanes, as bytes.
func frameBytes(_ header: FrameHeader, seed: UInt8 = 1) -> [UInt8] {
    let payload = (0..<header.payloadCount).map { UInt8(truncatingIfNeeded: $0 * 73 + Int(seed)) }
    return frameBytes(header, payload: payload)
}

func frameBytes(_ header: FrameHeader, payload: [UInt8]) -> [UInt8] {
    var frame = [UInt8](repeating: 0, count: FrameHeader.byteCount) + payload
    frame.withUnsafeMutableBytes { header.write(to: $0) }
    return frame
}

/// The header of frame number `sequence` of a stream without gaps, of `shots` shots a frame.
func frameHeader(_ sequence: UInt32, shots: UInt32 = 3) -> FrameHeader {
    FrameHeader(
        flags: .toggleEncoded, wordsPerShot: 2, sequence: sequence, shots: shots,
        firstShot: UInt64(sequence) * UInt64(shots), temperature: 2500)
}

func testBoard(maximumPayload: Int = 96) -> BoardDescription {
    BoardDescription(
        kind: "test", provenance: .replay, serial: "1", path: "", firmware: "1.0", lanes: 128,
        encoding: .toggles,
        operatingPoint: OperatingPoint(
            amplitudeMillivolts: 1550, pulseWidthPicoseconds: 466, biasFieldMicrotesla: 20000),
        maximumPayload: maximumPayload)
}

/// What a reader makes of a stream.
struct Reading: Equatable {
    struct Frame: Equatable {
        let header: FrameHeader
        let payload: [UInt8]
        let shotsDroppedBefore: UInt64

        /// The frame as it was sent.
        var bytes: [UInt8] { frameBytes(header, payload: payload) }
    }

    var frames: [Frame] = []
    var rejections: [FrameReader.Rejection] = []
    var skippedBytes = 0
    /// The least room there was for more bytes, once the reader wanted more.
    var leastFreeSpace = Int.max

    /// Puts a stream into a reader in pieces, and takes all events after each.
    ///
    /// - Parameter pieces: the sizes of the pieces, over and over.
    init(_ stream: [UInt8], pieces: [Int] = [.max], board: BoardDescription = testBoard()) {
        let count = FrameReader.bufferCount(maximumPayload: board.maximumPayload)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 8)
        defer { buffer.deallocate() }
        var reader = FrameReader(buffer: buffer, board: board)
        var rest = stream[...]
        var turn = 0
        repeat {
            let space = reader.freeSpace()
            leastFreeSpace = min(leastFreeSpace, space.count)
            let piece = rest.prefix(min(pieces[turn % pieces.count], space.count))
            space.copyBytes(from: piece)
            reader.append(piece.count)
            while let event = reader.next() { enter(event) }
            rest = rest.dropFirst(piece.count)
            turn += 1
        } while !rest.isEmpty
    }

    private mutating func enter(_ event: FrameReader.Event) {
        switch event {
        case .frame(let frame):
            frames.append(
                Frame(
                    header: frame.header, payload: Array(frame.payload),
                    shotsDroppedBefore: frame.shotsDroppedBefore))
        case .rejected(let rejection): rejections.append(rejection)
        case .skipped(let count): skippedBytes += count
        }
    }

    /// The frames as they were sent, one after another.
    var asSent: [[UInt8]] { frames.map(\.bytes) }
}

// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import EntropyTerms

extension FuzzTarget {
    /// MEB/1 frames: `FrameReader` over a whole hostile stream, as it is and with the checksums made
    /// right, for two boards.
    static let boardFrames = FuzzTarget("board-frames") { bytes in
        let repaired = repairingChecksums(bytes, from: 0)
        for board in boards {
            checkStream(bytes, board)
            repaired.withUnsafeBytes { checkStream($0, board) }
        }
    }

    private static let boards = [
        board(lanes: 64, .states, maximumPayload: 256),
        board(lanes: 128, .toggles, maximumPayload: 96),
    ]

    private static func board(
        lanes: Int, _ encoding: LaneEncoding, maximumPayload: Int
    ) -> BoardDescription {
        BoardDescription(
            kind: "usb", provenance: .hardware, serial: "1", path: "1-1", firmware: "1.0",
            lanes: lanes, encoding: encoding,
            operatingPoint: OperatingPoint(
                amplitudeMillivolts: 1, pulseWidthPicoseconds: 1, biasFieldMicrotesla: 1),
            maximumPayload: maximumPayload)
    }
}

/// A copy of the bytes in which everything that begins like a frame has the right checksum, so that what
/// lies behind the check is tried as well.
///
/// - Parameter start: where the first frame may begin.
func repairingChecksums(_ bytes: UnsafeRawBufferPointer, from start: Int) -> [UInt8] {
    var copy = Array(bytes)
    copy.withUnsafeMutableBytes { copy in
        var position = start
        while position + FrameHeader.byteCount <= copy.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: copy[position...])
            if let header = try? FrameHeader(parsing: UnsafeRawBufferPointer(rest)),
                FrameHeader.byteCount + header.payloadCount <= rest.count
            {
                let count = FrameHeader.byteCount + header.payloadCount
                header.write(to: UnsafeMutableRawBufferPointer(rebasing: rest[..<count]))
                position += count
            } else {
                position += 1
            }
        }
    }
    return copy
}

private func checkStream(_ bytes: UnsafeRawBufferPointer, _ board: BoardDescription) {
    let whole = StreamLog(bytes, in: [bytes], board)
    let pieces = pieces(of: bytes, limit: 3 * FrameHeader.byteCount)
    require(
        StreamLog(bytes, in: pieces, board) == whole,
        "the frames of a stream do not depend on the pieces it comes in")
}

/// What a reader finds in a stream. Every byte of it is accounted for.
private struct StreamLog: Equatable {
    private enum Entry: Equatable {
        case frame(Range<Int>, shotsDroppedBefore: UInt64)
        case rejected(FrameReader.Rejection, at: Int)
    }

    private var entries: [Entry] = []
    /// How many bytes of the stream belong to entries, or were skipped.
    private var position = 0

    init(
        _ stream: UnsafeRawBufferPointer, in pieces: [UnsafeRawBufferPointer],
        _ board: BoardDescription
    ) {
        let count = FrameReader.bufferCount(maximumPayload: board.maximumPayload)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 8)
        defer { buffer.deallocate() }
        var reader = FrameReader(buffer: buffer, board: board)
        for piece in pieces {
            var rest = piece[...]
            while !rest.isEmpty {
                let room = reader.freeSpace()
                require(
                    room.count >= FrameHeader.byteCount + board.maximumPayload,
                    "there is always room for a frame")
                let part = rest.prefix(room.count)
                room.copyBytes(from: part)
                reader.append(part.count)
                rest = rest.dropFirst(part.count)
                while let event = reader.next() { take(event, of: stream, board) }
            }
        }
        require(
            stream.count - position < FrameHeader.byteCount + board.maximumPayload,
            "what is held back is less than the largest frame")
    }

    private mutating func take(
        _ event: FrameReader.Event, of stream: UnsafeRawBufferPointer, _ board: BoardDescription
    ) {
        switch event {
        case .skipped(let count):
            require(count > 0, "nothing is skipped without end")
            position += count
        case .rejected(let rejection):
            entries.append(.rejected(rejection, at: position))
            position += consumed(by: rejection, of: stream)
        case .frame(let frame):
            let range = position..<position + frame.bytes.count
            require(range.upperBound <= stream.count, "no frame is longer than the stream")
            require(
                frame.bytes.elementsEqual(stream[range]), "a frame has the bytes of the stream")
            require(FrameHeader.checksumHolds(for: frame.bytes), "a frame has the right checksum")
            require(
                frame.payload.count == Int(frame.header.shots) * board.lanes / 8
                    && frame.payload.count <= board.maximumPayload,
                "a frame is one of the board")
            entries.append(.frame(range, shotsDroppedBefore: frame.shotsDroppedBefore))
            position = range.upperBound
        }
    }

    /// A frame that is whole but not wanted is passed over as a whole, other damage byte by byte.
    private func consumed(
        by rejection: FrameReader.Rejection, of stream: UnsafeRawBufferPointer
    ) -> Int {
        switch rejection {
        case .header, .shape, .checksum: return 1
        case .pattern, .outOfSequence:
            let rest = UnsafeRawBufferPointer(rebasing: stream[position...])
            let header = required(try? FrameHeader(parsing: rest), "a whole frame has a header")
            return FrameHeader.byteCount + header.payloadCount
        }
    }
}

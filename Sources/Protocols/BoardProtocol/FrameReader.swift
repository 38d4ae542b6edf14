// SPDX-License-Identifier: Apache-2.0

/// Finds the frames in a stream of bytes, checks them, and finds the next one after damage.
///
/// A frame is passed on at most once and in order: one whose sequence number or shots were passed
/// before is rejected, and one that comes after a gap carries how many shots the gap held.
///
/// Usage: put bytes into `freeSpace`, say how many with `append`, and take events until nil.
package struct FrameReader: ~Copyable {
    /// A whole, checked frame.
    package struct Frame {
        package let header: FrameHeader
        /// The rows of the frame. Valid until the reader is used again.
        package let payload: UnsafeRawBufferPointer
        /// Header and payload, as received. Valid until the reader is used again.
        package let bytes: UnsafeRawBufferPointer
        /// The number of shots missing between the previous frame and this one.
        package let shotsDroppedBefore: UInt64
    }

    /// Why bytes that looked like a frame were not passed on.
    package enum Rejection: Equatable {
        case header(FrameHeader.Defect)
        /// The frame is not of this board: another number of lanes, another encoding, or larger
        /// than it can send.
        case shape
        /// The payload is a link-test pattern, not bits of devices.
        case pattern
        case checksum
        /// The frame, or shots of it, came before; or it is too far ahead to be of the stream.
        case outOfSequence
    }

    package enum Event {
        case frame(Frame)
        case rejected(Rejection)
        /// The number of bytes before the next magic that belong to no frame.
        case skipped(Int)
    }

    private let buffer: UnsafeMutableRawBufferPointer
    private let wordsPerShot: Int
    private let maximumPayload: Int
    private let encoding: LaneEncoding
    // The bytes not yet looked at are start ..< end.
    private var start = 0
    private var end = 0
    private var order = FrameOrder()

    /// How large a buffer a reader needs for frames of up to `maximumPayload` bytes.
    package static func bufferCount(maximumPayload: Int) -> Int {
        2 * (FrameHeader.byteCount + maximumPayload)
    }

    /// - Parameter buffer: owned by the caller, of `bufferCount(maximumPayload:)` bytes; it has to
    ///   outlive the reader.
    package init(buffer: UnsafeMutableRawBufferPointer, board: BoardDescription) {
        precondition(buffer.count >= Self.bufferCount(maximumPayload: board.maximumPayload))
        self.buffer = buffer
        wordsPerShot = board.wordsPerShot
        maximumPayload = board.maximumPayload
        encoding = board.encoding
    }

    /// Forgets the stream so far, for a board that was stopped and starts again.
    package mutating func reset() {
        start = 0
        end = 0
        order = FrameOrder()
    }

    /// Where the next bytes go: room for at least one frame, once `next` has returned nil.
    package mutating func freeSpace() -> UnsafeMutableRawBufferPointer {
        if start == end {
            start = 0
            end = 0
        } else if buffer.count - end < FrameHeader.byteCount + maximumPayload {
            let rest = UnsafeRawBufferPointer(buffer)[start..<end]
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: rest))
            end -= start
            start = 0
        }
        return UnsafeMutableRawBufferPointer(rebasing: buffer[end...])
    }

    /// Says that `count` bytes were put at the start of `freeSpace()`.
    package mutating func append(_ count: Int) {
        precondition(count <= buffer.count - end)
        end += count
    }

    /// What the stream holds next; nil when more bytes are needed to tell.
    package mutating func next() -> Event? {
        if let skipped = skipToMagic() { return .skipped(skipped) }
        guard end - start >= FrameHeader.byteCount else { return nil }
        let rest = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[start..<end])
        let header: FrameHeader
        do {
            header = try FrameHeader(parsing: rest)
        } catch {
            return reject(.header(error))
        }
        guard fits(header) else { return reject(.shape) }
        let count = FrameHeader.byteCount + header.payloadCount
        guard rest.count >= count else { return nil }
        let frame = UnsafeRawBufferPointer(rebasing: rest[..<count])
        guard FrameHeader.checksumHolds(for: frame) else { return reject(.checksum) }
        start += count
        guard !header.flags.contains(.pattern) else { return .rejected(.pattern) }
        guard let dropped = order.admit(header) else { return .rejected(.outOfSequence) }
        return .frame(
            Frame(
                header: header,
                payload: UnsafeRawBufferPointer(rebasing: frame[FrameHeader.byteCount...]),
                bytes: frame, shotsDroppedBefore: dropped))
    }

    private func fits(_ header: FrameHeader) -> Bool {
        Int(header.wordsPerShot) == wordsPerShot && header.payloadCount <= maximumPayload
            && header.flags.contains(.toggleEncoded) == (encoding == .toggles)
    }

    /// Passes over one byte, so that a frame that the damaged one seemed to hold is found.
    private mutating func reject(_ rejection: Rejection) -> Event {
        start += 1
        return .rejected(rejection)
    }

    /// Moves to the next bytes that may be a magic, or to the end.
    ///
    /// - Returns: how many bytes were passed over; nil when there were none to pass over.
    private mutating func skipToMagic() -> Int? {
        let from = start
        while start < end, !mayBeMagic(at: start) { start += 1 }
        return start == from ? nil : start - from
    }

    private func mayBeMagic(at index: Int) -> Bool {
        guard buffer[index] == UInt8(ascii: "M") else { return false }
        let seen = min(end - index, FrameHeader.magic.count)
        return buffer[index..<index + seen].elementsEqual(FrameHeader.magic.prefix(seen))
    }
}

// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import USBBoard

/// The reason for which a check fails.
enum Finding: Error {
    /// A violation of the document.
    case wrong(String)
    /// The board was unplugged.
    case gone

    init(_ text: String) { self = .wrong(text) }

    init(_ error: BoardError) {
        if case .absent = error { self = .gone } else { self = .wrong("\(error)") }
    }

    /// - Parameter what: the request.
    init(_ what: String, _ outcome: BoardAccess.Outcome) {
        self = outcome == .gone ? .gone : .wrong("\(what): \(outcome)")
    }
}

/// The numbers of the frames from a start on.
struct FrameSequence {
    private var number: UInt32 = 0
    /// The shot that follows the last frame.
    private(set) var shot: UInt64 = 0

    /// Requires that a frame is the next one, and says what it left out.
    mutating func follow(_ header: FrameHeader) throws(Finding) {
        try require(
            header.sequence == number, "frame \(header.sequence) arrives instead of \(number)")
        let expected = shot + UInt64(header.droppedBefore)
        try require(
            header.firstShot == expected,
            "frame \(number) begins with shot \(header.firstShot) instead of \(expected)")
        try require(
            (header.droppedBefore > 0) == header.flags.contains(.overflowBefore),
            "frame \(number): \(header.droppedBefore) shots dropped, against its flag")
        number &+= 1
        shot = header.firstShot + UInt64(header.shots)
    }

    private func require(_ holds: Bool, _ text: @autoclosure () -> String) throws(Finding) {
        if !holds { throw Finding(text()) }
    }
}

/// The frames of a board, which have to follow one another without a byte in between.
final class CheckedStream {
    struct Frame {
        let header: FrameHeader
        let payload: [UInt8]
    }

    private let access: BoardAccess
    private var bytes: [UInt8] = []
    private var buffer = [UInt8](repeating: 0, count: 1 << 17)

    /// The time for the first frame, and a little more for a busy host.
    private static let milliseconds: Int32 = 1500

    /// Submits transfers, which stay in flight until this is released.
    init(_ access: BoardAccess) throws(Finding) {
        self.access = access
        do throws(BoardError) { try access.startTransfers() } catch { throw Finding(error) }
    }

    deinit { access.stopTransfers() }

    /// The most bytes of frames that the board has sent and `next` has not returned.
    var bytesUnderWay: Int { access.bytesInFlight + bytes.count + buffer.count }

    /// The next frame.
    func next() throws(Finding) -> Frame {
        try fill(FrameHeader.byteCount)
        let header: FrameHeader
        do {
            header = try bytes.withUnsafeBytes { try FrameHeader(parsing: $0) }
        } catch {
            throw Finding("40 bytes that are not a frame header: \(error)")
        }
        let count = FrameHeader.byteCount + header.payloadCount
        try fill(count)
        let frame = bytes[..<count]
        guard frame.withUnsafeBytes(FrameHeader.checksumHolds) else {
            throw Finding("the checksum of frame \(header.sequence) is wrong")
        }
        let payload = Array(frame.dropFirst(FrameHeader.byteCount))
        bytes = Array(bytes[count...])
        return Frame(header: header, payload: payload)
    }

    /// Whether the board sends nothing more after the bytes that are in flight.
    func isSilent() throws(Finding) -> Bool {
        for _ in 0..<1000 where try read(milliseconds: 200) == 0 { return true }
        return false
    }

    private func fill(_ count: Int) throws(Finding) {
        while bytes.count < count {
            guard try read(milliseconds: Self.milliseconds) > 0 else {
                throw Finding("nothing came for 1.5 s")
            }
        }
    }

    private func read(milliseconds: Int32) throws(Finding) -> Int {
        let outcome = buffer.withUnsafeMutableBytes { buffer in
            Result { () throws(BoardError) in
                try access.read(into: buffer, milliseconds: milliseconds)
            }
        }
        do throws(BoardError) {
            let count = try outcome.get()
            bytes += buffer.prefix(count)
            return count
        } catch {
            throw Finding(error)
        }
    }
}

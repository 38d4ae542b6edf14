// SPDX-License-Identifier: Apache-2.0

import EntropyProtocol

/// The bytes that a session has received and not understood yet, in line.
struct Inbox {
    static let capacity = 256

    private var bytes = InlineArray<256, UInt8>(repeating: 0)
    private(set) var count = 0

    mutating func append(_ new: UnsafeRawBufferPointer) {
        precondition(new.count <= Self.capacity - count, "no more bytes than there is room for")
        let start = count
        withMutableBytes { buffer in
            UnsafeMutableRawBufferPointer(rebasing: buffer[start...]).copyMemory(from: new)
        }
        count += new.count
    }

    /// Lends the bytes that are there.
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        bytes.span.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    }

    /// Takes bytes out at the beginning.
    mutating func remove(_ removed: Int) {
        precondition(0...count ~= removed, "no more bytes than there are")
        count -= removed
        let rest = count
        withMutableBytes { buffer in
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[removed..<removed + rest]))
        }
    }

    private mutating func withMutableBytes<Result>(
        _ body: (UnsafeMutableRawBufferPointer) -> Result
    ) -> Result {
        var span = bytes.mutableSpan
        return span.withUnsafeMutableBytes(body)
    }
}

/// The header of a reply and the text behind it, as far as they are still to be sent. The header is in line.
struct Outbox {
    private static let capacity = 24

    private var header = InlineArray<24, UInt8>(repeating: 0)
    private var headerCount = 0
    private var headerSent = 0
    private var text: [UInt8] = []
    private var textSent = 0

    /// How many bytes are still to be sent.
    var count: Int { headerCount - headerSent + text.count - textSent }

    /// Puts a reply of MEP/1 in. The one before it has to have been sent.
    mutating func put(_ reply: EntropyReply, text: [UInt8] = []) {
        putHeader { buffer in
            reply.write(to: buffer)
            return EntropyReply.byteCount
        }
        self.text = text
    }

    /// Puts a header in, whose size `write` returns. The one before it has to have been sent.
    mutating func putHeader(_ write: (UnsafeMutableRawBufferPointer) -> Int) {
        precondition(count == 0, "one reply is sent after another")
        var span = header.mutableSpan
        headerCount = span.withUnsafeMutableBytes(write)
        precondition(headerCount <= Self.capacity)
        headerSent = 0
        text = []
        textSent = 0
    }

    func withBytes<Result>(
        _ body: (_ header: UnsafeRawBufferPointer, _ text: UnsafeRawBufferPointer) -> Result
    ) -> Result {
        header.span.withUnsafeBytes { header in
            text.withUnsafeBytes { text in
                body(
                    UnsafeRawBufferPointer(rebasing: header[headerSent..<headerCount]),
                    UnsafeRawBufferPointer(rebasing: text[textSent...]))
            }
        }
    }

    /// Counts bytes as sent.
    ///
    /// - Returns: how many there are more than were to be sent.
    mutating func remove(_ count: Int) -> Int {
        let ofHeader = min(count, headerCount - headerSent)
        headerSent += ofHeader
        let ofText = min(count - ofHeader, text.count - textSent)
        textSent += ofText
        return count - ofHeader - ofText
    }
}

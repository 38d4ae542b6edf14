// SPDX-License-Identifier: Apache-2.0

import EntropyProtocol

/// The bytes that a session has received and not understood yet, in line.
struct Inbox {
    static let capacity = 16 * EntropyRequest.byteCount

    private var bytes = InlineArray<256, UInt8>(repeating: 0)
    private(set) var count = 0

    mutating func append(_ new: UnsafeRawBufferPointer) {
        precondition(new.count <= Self.capacity - count, "no more bytes than there is room for")
        let start = count
        withBytes { buffer in
            UnsafeMutableRawBufferPointer(rebasing: buffer[start...]).copyMemory(from: new)
        }
        count += new.count
    }

    /// Takes the first request out; nil when it is not there as a whole. A request that is not valid still has a tag.
    mutating func next() -> (request: EntropyRequest?, tag: UInt64)? {
        let size = EntropyRequest.byteCount
        guard count >= size else { return nil }
        let rest = count - size
        count = rest
        return withBytes { buffer in
            let first = UnsafeRawBufferPointer(rebasing: buffer[..<size])
            let parsed = (EntropyRequest(parsing: first), EntropyRequest.tag(in: first))
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[size..<size + rest]))
            return parsed
        }
    }

    private mutating func withBytes<Result>(
        _ body: (UnsafeMutableRawBufferPointer) -> Result
    ) -> Result {
        var span = bytes.mutableSpan
        return span.withUnsafeMutableBytes(body)
    }
}

/// The header of a reply and the text behind it, as far as they are still to be sent. The header is in line.
struct Outbox {
    private var header = InlineArray<24, UInt8>(repeating: 0)
    private var headerSent = EntropyReply.byteCount
    private var text: [UInt8] = []
    private var textSent = 0

    /// How many bytes are still to be sent.
    var count: Int { EntropyReply.byteCount - headerSent + text.count - textSent }

    /// Puts a reply in. The one before it has to have been sent.
    mutating func put(_ reply: EntropyReply, text: [UInt8] = []) {
        precondition(count == 0, "one reply is sent after another")
        var span = header.mutableSpan
        span.withUnsafeMutableBytes { reply.write(to: $0) }
        headerSent = 0
        self.text = text
        textSent = 0
    }

    func withBytes<Result>(
        _ body: (_ header: UnsafeRawBufferPointer, _ text: UnsafeRawBufferPointer) -> Result
    ) -> Result {
        header.span.withUnsafeBytes { header in
            text.withUnsafeBytes { text in
                body(
                    UnsafeRawBufferPointer(rebasing: header[headerSent...]),
                    UnsafeRawBufferPointer(rebasing: text[textSent...]))
            }
        }
    }

    /// Counts bytes as sent.
    ///
    /// - Returns: how many there are more than were to be sent.
    mutating func remove(_ count: Int) -> Int {
        let ofHeader = min(count, EntropyReply.byteCount - headerSent)
        headerSent += ofHeader
        let ofText = min(count - ofHeader, text.count - textSent)
        textSent += ofText
        return count - ofHeader - ofText
    }
}

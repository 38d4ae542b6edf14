// SPDX-License-Identifier: Apache-2.0

/// A message that is longer than the receiver takes.
package struct MessageTooLong: Error, Equatable {
    /// In bytes, without the NUL that ends a message.
    package let limit: Int

    package init(limit: Int) {
        self.limit = limit
    }
}

/// Cuts a stream of bytes into messages ended by NUL: bytes in, messages out.
///
/// It holds bytes that were added and not taken yet; a caller that adds only while `hasMessage` is false keeps
/// them below the limit plus one addition.
package struct MessageFraming {
    package let limit: Int
    private var buffer: [UInt8] = []
    /// Where the first message that was not taken begins.
    private var start = 0
    /// Everything from `start` up to here is known to be free of NUL.
    private var searched = 0
    /// Where the NUL after the first message is.
    private var end: Int?

    /// - Parameter limit: the longest message, in bytes without its NUL.
    package init(limit: Int) {
        self.limit = limit
    }

    /// Whether `next` would give a message or fail.
    package var hasMessage: Bool { end != nil || buffer.count - start > limit }

    /// Whether a message has begun, or is there as a whole.
    package var isEmpty: Bool { start == buffer.count }

    package mutating func append(_ bytes: some Collection<UInt8>) {
        if start > 0 {
            buffer.removeFirst(start)
            searched -= start
            end = end.map { $0 - start }
            start = 0
        }
        buffer.append(contentsOf: bytes)
        search()
    }

    /// The next whole message, without its NUL; nil when there is none yet.
    package mutating func next() throws(MessageTooLong) -> ArraySlice<UInt8>? {
        guard (end ?? buffer.count) - start <= limit else { throw MessageTooLong(limit: limit) }
        guard let end else { return nil }
        let message = buffer[start..<end]
        start = end + 1
        searched = start
        self.end = nil
        search()
        return message
    }

    private mutating func search() {
        guard end == nil else { return }
        end = buffer[searched...].firstIndex(of: 0)
        searched = end ?? buffer.count
    }
}

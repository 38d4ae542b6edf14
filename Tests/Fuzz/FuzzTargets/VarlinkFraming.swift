// SPDX-License-Identifier: Apache-2.0

import Varlink

extension FuzzTarget {
    /// `MessageFraming`: the messages are those between the NULs, in whatever pieces the bytes come.
    static let varlinkFraming = FuzzTarget("varlink-framing") { bytes in
        for limit in [0, 1, 16, 1_024] {
            let expected = Framed(splitting: bytes, limit: limit)
            require(
                Framed([bytes], limit: limit) == expected,
                "messages of at most \(limit) bytes are those between the NULs")
            require(
                Framed(pieces(of: bytes), limit: limit) == expected,
                "messages of at most \(limit) bytes do not depend on the pieces they come in")
        }
    }
}

/// The messages in a stream.
private struct Framed: Equatable {
    private(set) var messages: [[UInt8]] = []
    /// Whether a message longer than the limit ended the stream.
    private(set) var isTooLong = false

    /// The definition of the format.
    init(splitting bytes: UnsafeRawBufferPointer, limit: Int) {
        let parts = bytes.split(separator: 0, omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if part.count > limit {
                isTooLong = true
                return
            }
            if index < parts.count - 1 { messages.append(Array(part)) }
        }
    }

    /// What `MessageFraming` makes of it.
    init(_ pieces: [UnsafeRawBufferPointer], limit: Int) {
        var framing = MessageFraming(limit: limit)
        for piece in pieces {
            framing.append(piece)
            do {
                while true {
                    let claimed = framing.hasMessage
                    let message = try framing.next()
                    require(claimed == (message != nil), "hasMessage says whether there is one")
                    guard let message else { break }
                    messages.append(Array(message))
                }
            } catch {
                isTooLong = true
                return
            }
        }
    }
}

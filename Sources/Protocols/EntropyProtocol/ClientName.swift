// SPDX-License-Identifier: Apache-2.0

/// What a client says it is, such as "Python 3.11, libmetrng 0.1.0": from 1 to 64 bytes of printable ASCII.
public struct ClientName: Sendable, Equatable {
    /// The name.
    public let text: String

    /// Nil when the text is no name: empty, too long, or with anything that is not printable ASCII.
    public init?(_ text: String) {
        guard EntropyProtocolLimits.nameLengths.contains(UInt32(clamping: text.utf8.count)),
            text.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
        else { return nil }
        self.text = text
    }

    /// Reads a name; nil when the bytes are none.
    public init?(parsing bytes: UnsafeRawBufferPointer) {
        self.init(String(decoding: bytes, as: UTF8.self))
    }
}

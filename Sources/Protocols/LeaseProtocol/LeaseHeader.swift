// SPDX-License-Identifier: Apache-2.0

/// The limits and the version of MEL/1, the protocol on the socket of a lease.
package enum LeaseLimits {
    /// The version in the first byte of every request and reply.
    package static let version: UInt8 = 1
    /// How long a lease lasts after it was granted or renewed, in seconds.
    package static let seconds: ClosedRange<Int> = 1...3_600
    /// How many requests a client may have sent and not had answered. More of them wait in the socket.
    package static let unanswered = 64
}

/// What comes before the body of a request or a reply: 16 bytes on the wire.
///
/// | at | type | field |
/// |---|---|---|
/// | 0 | u8 | version |
/// | 1 | u8 | operation of a request, status of a reply |
/// | 2 | u16 | 0 |
/// | 4 | u32 | length of the body in bytes |
/// | 8 | u64 | tag |
package struct LeaseHeader: Sendable, Equatable {
    package static let byteCount = 16

    /// The number of the operation or the status.
    package let code: UInt8
    /// Bytes of the body.
    package let length: Int
    /// The client's number for a request, returned in the reply; 0 in a reply that nothing asked for.
    package let tag: UInt64

    package init(code: UInt8, length: Int, tag: UInt64) {
        self.code = code
        self.length = length
        self.tag = tag
    }

    /// Reads a header; nil when it is none of this version.
    ///
    /// - Parameter bytes: `byteCount` of them.
    package init?(parsing bytes: some Collection<UInt8>) {
        let bytes = Array(bytes)
        guard bytes.count == Self.byteCount, bytes[0] == LeaseLimits.version, bytes[2] == 0, bytes[3] == 0 else {
            return nil
        }
        func number(_ range: Range<Int>) -> UInt64 { range.reversed().reduce(0) { $0 << 8 | UInt64(bytes[$1]) } }
        self.init(code: bytes[1], length: Int(number(4..<8)), tag: number(8..<16))
    }

    package var bytes: [UInt8] {
        var bytes: [UInt8] = [LeaseLimits.version, code, 0, 0]
        withUnsafeBytes(of: UInt32(length).littleEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: tag.littleEndian) { bytes.append(contentsOf: $0) }
        return bytes
    }
}

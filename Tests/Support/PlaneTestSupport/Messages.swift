// SPDX-License-Identifier: Apache-2.0

package import EntropyProtocol

extension EntropyRequest {
    /// Reads a request from its 16 bytes.
    package init?(_ bytes: [UInt8]) {
        precondition(bytes.count == Self.byteCount)
        guard let request = bytes.withUnsafeBytes({ EntropyRequest(parsing: $0) }) else {
            return nil
        }
        self = request
    }

    /// The request as it goes over the wire.
    package var bytes: [UInt8] {
        var bytes = [UInt8](repeating: 0xEE, count: Self.byteCount)
        bytes.withUnsafeMutableBytes { write(to: $0) }
        return bytes
    }
}

extension EntropyReply {
    /// Reads a header from its 24 bytes.
    package init?(_ bytes: [UInt8]) {
        precondition(bytes.count == Self.byteCount)
        guard let reply = bytes.withUnsafeBytes({ EntropyReply(parsing: $0) }) else { return nil }
        self = reply
    }

    /// The header as it goes over the wire.
    package var bytes: [UInt8] {
        var bytes = [UInt8](repeating: 0xEE, count: Self.byteCount)
        bytes.withUnsafeMutableBytes { write(to: $0) }
        return bytes
    }
}

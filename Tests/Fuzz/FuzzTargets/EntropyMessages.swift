// SPDX-License-Identifier: Apache-2.0

import EntropyProtocol

extension FuzzTarget {
    /// MEP/1: the bytes as a request and as the header of a reply.
    static let entropyMessages = FuzzTarget("entropy-messages", inputLimit: 64) { bytes in
        if bytes.count >= EntropyRequest.byteCount { checkRequest(bytes) }
        if bytes.count >= EntropyReply.byteCount { checkReply(bytes) }
    }
}

private func checkRequest(_ bytes: UnsafeRawBufferPointer) {
    let tag = EntropyRequest.tag(in: bytes)
    guard let request = EntropyRequest(parsing: bytes) else { return }
    require(request.tag == tag, "the tag is read the same from a valid request")
    var written = [UInt8](repeating: 0xAA, count: EntropyRequest.byteCount)
    written.withUnsafeMutableBytes { request.write(to: $0) }
    require(
        written.elementsEqual(bytes.prefix(EntropyRequest.byteCount)),
        "a request that was read is written as the same bytes")
    let lengths: ClosedRange<UInt32> =
        switch request.operation {
        case .read: EntropyProtocolLimits.readLengths
        case .info: 0...0
        case .name: EntropyProtocolLimits.nameLengths
        }
    require(lengths.contains(request.length), "the length is within the limits")
}

private func checkReply(_ bytes: UnsafeRawBufferPointer) {
    guard let reply = EntropyReply(parsing: bytes) else { return }
    var written = [UInt8](repeating: 0xAA, count: EntropyReply.byteCount)
    written.withUnsafeMutableBytes { reply.write(to: $0) }
    // Bytes 20 to 23 are reserved: a reader ignores them, a writer zeroes them.
    require(
        written.prefix(20).elementsEqual(bytes.prefix(20))
            && written.suffix(4).allSatisfy { $0 == 0 },
        "the header of a reply that was read is written as the same bytes")
    require(
        reply.length == 0 || reply.status == .ok, "bytes follow a reply with the status ok only")
    require(
        reply.length <= EntropyProtocolLimits.readLengths.upperBound,
        "no more bytes follow than a request can ask for")
}

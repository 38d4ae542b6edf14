// SPDX-License-Identifier: Apache-2.0

public import EntropyTerms

/// What comes before the bytes of an answer: 24 bytes on the wire.
///
/// | at | type | field |
/// |---|---|---|
/// | 0 | u8 | version |
/// | 1 | u8 | status |
/// | 2 | u8 | provenance |
/// | 3 | u8 | grade |
/// | 4 | u32 | length: how many bytes follow |
/// | 8 | u64 | tag of the request |
/// | 16 | u32 | health epoch |
/// | 20 | u32 | reserved, 0 |
public struct EntropyReply: Sendable, Equatable {
    /// The outcome of a request.
    public enum Status: UInt8, Sendable, CaseIterable {
        /// `length` bytes follow.
        case ok = 0
        /// Fewer bytes than requested are ready, and the request asked not to wait.
        case unavailable = 1
        /// The request is not valid, or not offered here; the server closes the connection.
        case badRequest = 2
        /// The request wants genuine bits only, and all boards of the server are simulated or replayed.
        case denied = 3
        /// The server is at its limit of clients; it closes the connection.
        case overQuota = 4
        /// The server is about to stop; it closes the connection.
        case shuttingDown = 5
    }

    /// Bytes of a reply's header on the wire.
    public static let byteCount = 24

    /// What became of the request.
    public let status: Status
    /// Where the bytes come from. Means something only with status `ok`.
    public let provenance: Provenance
    /// What was done to the bytes. Means something only with status `ok`.
    public let grade: Grade
    /// How many bytes follow: 0 unless the status is `ok`.
    public let length: UInt32
    /// The tag of the request; 0 when the server speaks unasked.
    public let tag: UInt64
    /// Counts the changes of the health verdict of the lanes behind the bytes.
    public let healthEpoch: UInt32

    /// A reply with these fields.
    public init(
        status: Status, provenance: Provenance, grade: Grade, length: UInt32, tag: UInt64,
        healthEpoch: UInt32
    ) {
        self.status = status
        self.provenance = provenance
        self.grade = grade
        self.length = length
        self.tag = tag
        self.healthEpoch = healthEpoch
    }

    /// Reads a header; nil when it is none that this version of the protocol knows.
    ///
    /// - Parameter bytes: at least `byteCount` bytes.
    public init?(parsing bytes: UnsafeRawBufferPointer) {
        guard bytes[0] == EntropyProtocolLimits.version, let status = Status(rawValue: bytes[1]),
            let provenance = Provenance(rawValue: bytes[2]), let grade = Grade(rawValue: bytes[3])
        else { return nil }
        let length = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        guard length == 0 || status == .ok,
            length <= EntropyProtocolLimits.readLengths.upperBound
        else { return nil }
        let epoch = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt32.self))
        self.init(
            status: status, provenance: provenance, grade: grade, length: length,
            tag: EntropyRequest.tag(in: bytes), healthEpoch: epoch)
    }

    /// Writes the header.
    ///
    /// - Parameter buffer: at least `byteCount` bytes.
    public func write(to buffer: UnsafeMutableRawBufferPointer) {
        buffer[0] = EntropyProtocolLimits.version
        buffer[1] = status.rawValue
        buffer[2] = provenance.rawValue
        buffer[3] = grade.rawValue
        buffer.storeBytes(of: length.littleEndian, toByteOffset: 4, as: UInt32.self)
        buffer.storeBytes(of: tag.littleEndian, toByteOffset: 8, as: UInt64.self)
        buffer.storeBytes(of: healthEpoch.littleEndian, toByteOffset: 16, as: UInt32.self)
        buffer.storeBytes(of: 0, toByteOffset: 20, as: UInt32.self)
    }
}

// SPDX-License-Identifier: Apache-2.0

public import EntropyTerms

/// The limits and the version of MEP/1, the protocol of `entropy.sock`.
public enum EntropyProtocolLimits {
    /// The version in the first byte of every request and reply.
    public static let version: UInt8 = 1
    /// How many bytes one READ can ask for.
    public static let readLengths: ClosedRange<UInt32> = 1...1_048_576
    /// How many bytes the name of a client can have.
    public static let nameLengths: ClosedRange<UInt32> = 1...64
}

/// What a client asks for: 16 bytes on the wire, followed by the name in a NAME.
///
/// | at | type | field |
/// |---|---|---|
/// | 0 | u8 | version |
/// | 1 | u8 | operation |
/// | 2 | u8 | grade |
/// | 3 | u8 | flags |
/// | 4 | u32 | length |
/// | 8 | u64 | tag, returned in the reply |
public struct EntropyRequest: Sendable, Equatable {
    /// What a request asks for. ATTACH (2) of the protocol is not offered and reads as unknown.
    public enum Operation: UInt8, Sendable {
        /// Bytes of a grade.
        case read = 1
        /// A JSON object about the server.
        case info = 3
        /// Nothing: the request says what the client is. `length` bytes follow it.
        case name = 4
    }

    /// How a request is to be answered.
    public struct Flags: OptionSet, Sendable {
        /// The bits on the wire.
        public let rawValue: UInt8

        /// Flags of these bits.
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// Answer `unavailable` rather than wait.
        public static let nonBlocking = Flags(rawValue: 1)
        /// Only bits of hardware or of the host, never simulated or replayed ones.
        public static let genuine = Flags(rawValue: 2)
        /// All flags that there are.
        static let all: Flags = [.nonBlocking, .genuine]
    }

    /// Bytes of a request on the wire.
    public static let byteCount = 16

    /// What is asked for.
    public let operation: Operation
    /// The grade of the bytes asked for.
    public let grade: Grade
    /// How to answer.
    public let flags: Flags
    /// How many bytes; in `EntropyProtocolLimits.readLengths` for `.read` and in `nameLengths` for `.name`, 0 for `.info`.
    public let length: UInt32
    /// Any number of the client's, returned in the reply.
    public let tag: UInt64

    /// A request for `length` bytes of a grade.
    public static func read(
        _ length: UInt32, grade: Grade, flags: Flags = [], tag: UInt64 = 0
    ) -> EntropyRequest {
        EntropyRequest(operation: .read, grade: grade, flags: flags, length: length, tag: tag)
    }

    /// A request for the JSON object about the server.
    public static func info(tag: UInt64 = 0) -> EntropyRequest {
        EntropyRequest(operation: .info, grade: .raw, flags: [], length: 0, tag: tag)
    }

    /// The header of a NAME, which the bytes of the name follow.
    public static func name(_ name: ClientName, tag: UInt64 = 0) -> EntropyRequest {
        EntropyRequest(operation: .name, grade: .raw, flags: [], length: UInt32(name.text.utf8.count), tag: tag)
    }

    private init(operation: Operation, grade: Grade, flags: Flags, length: UInt32, tag: UInt64) {
        self.operation = operation
        self.grade = grade
        self.flags = flags
        self.length = length
        self.tag = tag
    }

    /// Reads a request; nil when it is none that this version of the protocol knows.
    ///
    /// - Parameter bytes: at least `byteCount` bytes.
    public init?(parsing bytes: UnsafeRawBufferPointer) {
        guard bytes[0] == EntropyProtocolLimits.version,
            let operation = Operation(rawValue: bytes[1]), let grade = Grade(rawValue: bytes[2]),
            Flags.all.isSuperset(of: Flags(rawValue: bytes[3]))
        else { return nil }
        let length = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        switch operation {
        case .read: guard EntropyProtocolLimits.readLengths.contains(length) else { return nil }
        case .info: guard length == 0 else { return nil }
        case .name: guard EntropyProtocolLimits.nameLengths.contains(length) else { return nil }
        }
        self.init(
            operation: operation, grade: grade, flags: Flags(rawValue: bytes[3]), length: length,
            tag: Self.tag(in: bytes))
    }

    /// The tag of a request that may be no valid one.
    public static func tag(in bytes: UnsafeRawBufferPointer) -> UInt64 {
        UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }

    /// Writes the request.
    ///
    /// - Parameter buffer: at least `byteCount` bytes.
    public func write(to buffer: UnsafeMutableRawBufferPointer) {
        buffer[0] = EntropyProtocolLimits.version
        buffer[1] = operation.rawValue
        buffer[2] = grade.rawValue
        buffer[3] = flags.rawValue
        buffer.storeBytes(of: length.littleEndian, toByteOffset: 4, as: UInt32.self)
        buffer.storeBytes(of: tag.littleEndian, toByteOffset: 8, as: UInt64.self)
    }
}

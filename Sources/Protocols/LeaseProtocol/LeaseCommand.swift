// SPDX-License-Identifier: Apache-2.0

package import BoardProtocol

/// What a client asks of the lanes that it has leased.
///
/// States and masks have a bit for each lane of the lease, in the order in which the lease names the lanes: lane i is
/// bit i % 64 of word i / 64.
package enum LeaseCommand: Sendable, Equatable {
    /// Puts the devices that are not masked into these states.
    case write([UInt64])
    /// Applies so many pulses to the devices that are not masked.
    case pulse(Int)
    /// Returns the states of all devices of the lease.
    case read
    /// Sets the trim of each lane, in steps of the board.
    case trim([Int16])
    /// Selects the lanes that are neither written nor pulsed, with a bit each, until the next one.
    case mask([UInt64])
    /// Sets the operating point of the pulses.
    case point(OperatingPoint)
    /// Lets the lease last so many seconds from now on.
    case renew(Int)

    /// The operations by their numbers on the wire.
    package enum Operation: UInt8, Sendable, CaseIterable {
        case write = 1
        case pulse = 2
        case read = 3
        case trim = 4
        case mask = 5
        case point = 6
        case renew = 7

        /// Bytes of the body of a request about so many lanes.
        package func bodyLength(lanes: Int) -> Int {
            switch self {
            case .write, .mask: Self.words(lanes) * 8
            case .pulse, .renew: 4
            case .read: 0
            case .trim: lanes * 2
            case .point: OperatingPointRecord.byteCount
            }
        }

        /// Bytes of the body of the reply, if the operation was done.
        package func replyLength(lanes: Int) -> Int { self == .read ? Self.words(lanes) * 8 : 0 }

        private static func words(_ lanes: Int) -> Int { (lanes + 63) / 64 }
    }

    package var operation: Operation {
        switch self {
        case .write: .write
        case .pulse: .pulse
        case .read: .read
        case .trim: .trim
        case .mask: .mask
        case .point: .point
        case .renew: .renew
        }
    }

    /// Reads the body of a request.
    ///
    /// - Parameter body: as many bytes as `Operation.bodyLength` says.
    package init(_ operation: Operation, parsing body: [UInt8]) throws(RecordDefect) {
        switch operation {
        case .write: self = .write(LaneRecords.bits(parsing: body))
        case .pulse: self = .pulse(Self.number(body))
        case .read: self = .read
        case .trim: self = .trim(LaneRecords.trims(parsing: body))
        case .mask: self = .mask(LaneRecords.bits(parsing: body))
        case .point: self = .point(try OperatingPointRecord(parsing: body).point)
        case .renew: self = .renew(Self.number(body))
        }
    }

    /// The request on the wire.
    package func bytes(tag: UInt64) -> [UInt8] {
        let body = body
        return LeaseHeader(code: operation.rawValue, length: body.count, tag: tag).bytes + body
    }

    private var body: [UInt8] {
        switch self {
        case .write(let words), .mask(let words): LaneRecords.bytes(bits: words)
        case .pulse(let count): withUnsafeBytes(of: UInt32(clamping: count).littleEndian) { Array($0) }
        case .renew(let seconds): withUnsafeBytes(of: UInt32(clamping: seconds).littleEndian) { Array($0) }
        case .read: []
        case .trim(let trims): LaneRecords.bytes(trims: trims)
        case .point(let point): OperatingPointRecord(point).bytes
        }
    }

    private static func number(_ body: [UInt8]) -> Int { body.reversed().reduce(0) { $0 << 8 | Int($1) } }
}

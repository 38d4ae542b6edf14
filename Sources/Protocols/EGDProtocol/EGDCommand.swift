// SPDX-License-Identifier: Apache-2.0

/// A command of EGD, the protocol of the Entropy Gathering Daemon, which QEMU's rng-egd and others speak.
///
/// | command | reply |
/// |---|---|
/// | 00 | u32, big-endian: the number of bits that are available |
/// | 01 NN | MM, and then MM bytes, at most NN: what is available at once |
/// | 02 NN | NN bytes, as they become available |
/// | 03 HH LL NN, and NN bytes | none: the bytes are ignored |
/// | 04 | the number of digits that follow, and the process number of the daemon in ASCII digits |
package enum EGDCommand: Sendable, Equatable {
    /// The number of bits that are available.
    case count
    /// As many bytes as are available at once, at most this many.
    case readAtOnce(UInt8)
    /// Exactly so many bytes, for which the client waits.
    case read(UInt8)
    /// This many bytes follow, meant for an entropy pool. There is none: they are ignored.
    case write(UInt8)
    /// The process number of the daemon.
    case processID

    /// What bytes begin with.
    package enum Parsed: Equatable {
        /// A command of so many bytes; what follows a `write` is not counted.
        case command(EGDCommand, byteCount: Int)
        /// The beginning of a command.
        case incomplete
        /// No command.
        case invalid
    }

    /// Reads the command at the beginning of bytes.
    package static func parse(_ bytes: UnsafeRawBufferPointer) -> Parsed {
        guard let first = bytes.first else { return .incomplete }
        let byteCount: Int
        switch first {
        case 0, 4: byteCount = 1
        case 1, 2: byteCount = 2
        case 3: byteCount = 4
        default: return .invalid
        }
        guard bytes.count >= byteCount else { return .incomplete }
        let last = bytes[byteCount - 1]
        let command: EGDCommand =
            switch first {
            case 0: .count
            case 1: .readAtOnce(last)
            case 2: .read(last)
            case 3: .write(last)
            default: .processID
            }
        return .command(command, byteCount: byteCount)
    }

    /// The bytes of the reply to `count`: bits, as far as 32 bits hold them.
    package static func countReply(bytesAvailable: Int) -> UInt32 {
        let (bits, overflow) = bytesAvailable.multipliedReportingOverflow(by: 8)
        return overflow ? .max : UInt32(clamping: bits)
    }
}

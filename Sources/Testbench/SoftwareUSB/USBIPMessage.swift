// SPDX-License-Identifier: Apache-2.0

/// What the kernel's vhci_hcd says on its socket: messages of 48 bytes, big-endian but for the eight bytes of
/// a control request (Documentation/usb/usbip_protocol.rst of Linux).
package enum USBIPCommand: Equatable {
    /// A transfer, with what it asks for.
    case submit(USBIPTransfer)
    /// The transfer with the number `victim` is not wanted any more.
    case unlink(sequence: UInt32, victim: UInt32)

    package static let byteCount = 48

    /// Why bytes are no command.
    package struct Defect: Error, Equatable {}

    private static let submitCode: UInt32 = 1
    private static let unlinkCode: UInt32 = 2

    /// - Parameter bytes: `byteCount` of them.
    package init(parsing bytes: UnsafeRawBufferPointer) throws(Defect) {
        func word(_ at: Int) -> UInt32 {
            UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self))
        }
        switch word(0) {
        case Self.submitCode:
            let length = word(24)
            let setup = USBSetup(parsing: UnsafeRawBufferPointer(rebasing: bytes[40..<48]))
            guard length <= USBIPTransfer.lengthLimit, word(16) < 16,
                word(16) != 0 || UInt32(setup.length) == length
            else { throw Defect() }
            self = .submit(
                USBIPTransfer(
                    sequence: word(4), isFromDevice: word(12) == 1, endpoint: UInt8(word(16)),
                    length: Int(length), setup: setup))
        case Self.unlinkCode:
            self = .unlink(sequence: word(4), victim: word(20))
        default: throw Defect()
        }
    }
}

/// A transfer that the kernel has asked for.
package struct USBIPTransfer: Equatable {
    /// The largest transfer that is answered, in bytes.
    static let lengthLimit: UInt32 = 4 << 20

    package let sequence: UInt32
    package let isFromDevice: Bool
    /// Without the direction.
    let endpoint: UInt8
    /// How many bytes it may bring, or carries.
    package let length: Int
    /// The setup packet of a control transfer.
    package let setup: USBSetup

    /// With the direction, as descriptors have it. 0 for endpoint 0.
    package var address: UInt8 { isFromDevice && endpoint != 0 ? endpoint | 0x80 : endpoint }
}

/// What is answered, 48 bytes.
package enum USBIPReply {
    /// A transfer is over.
    ///
    /// - Parameters:
    ///   - status: 0, or the negative errno.
    ///   - length: bytes that were moved; those from the device follow the message.
    case submitted(sequence: UInt32, status: Int32, length: Int)
    /// The status of an unlink: -ECONNRESET when the transfer was taken back, 0 when it was over.
    case unlinked(sequence: UInt32, status: Int32)

    private static let submittedCode: UInt32 = 3
    private static let unlinkedCode: UInt32 = 4

    package var bytes: [UInt8] {
        let words: [UInt32] =
            switch self {
            case .submitted(let sequence, let status, let length):
                [Self.submittedCode, sequence, 0, 0, 0, UInt32(bitPattern: status), UInt32(length)]
            case .unlinked(let sequence, let status):
                [Self.unlinkedCode, sequence, 0, 0, 0, UInt32(bitPattern: status)]
            }
        var bytes = words.flatMap { word in
            withUnsafeBytes(of: word.bigEndian) { Array($0) }
        }
        bytes += [UInt8](repeating: 0, count: USBIPCommand.byteCount - bytes.count)
        return bytes
    }
}

// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
package import SoftwareUSB

/// The descriptors of an MEB/1 board.
package enum BoardDescriptors {
    /// - Parameters:
    ///   - majorVersion: of MEB, the protocol of the interface.
    ///   - firmware: major and minor version.
    package static func identity(
        speed: USBSpeed, product: String, serial: String,
        majorVersion: UInt8 = BoardInterface.majorVersion,
        firmware: (major: UInt8, minor: UInt8)
    ) -> USBIdentity {
        USBIdentity(
            speed: speed, device: device(speed, firmware: firmware),
            configuration: configuration(speed, majorVersion: majorVersion),
            objectStore: speed == .superSpeed ? superSpeedObjectStore : [],
            strings: ["metrng", product, serial])
    }

    private static func device(
        _ speed: USBSpeed, firmware: (major: UInt8, minor: UInt8)
    ) -> [UInt8] {
        let (vendor, product) = (BoardInterface.defaultVendor, BoardInterface.defaultProduct)
        return [
            18, 1,  // bLength, bDescriptorType
            0, speed == .superSpeed ? 3 : 2,  // bcdUSB
            0, 0, 0,  // class, subclass, protocol: see the interface
            speed == .superSpeed ? 9 : 64,  // bMaxPacketSize0; for SuperSpeed the power of two
            low(vendor), high(vendor), low(product), high(product),
            firmware.minor, firmware.major,  // bcdDevice
            1, 2, 3,  // iManufacturer, iProduct, iSerialNumber
            1,  // bNumConfigurations
        ]
    }

    private static func configuration(_ speed: USBSpeed, majorVersion: UInt8) -> [UInt8] {
        let packet: UInt16 = speed == .superSpeed ? 1024 : 512
        let endpoints =
            endpoint(BoardInterface.streamEndpoint, .bulk, packet, burst: 15, speed)
            + endpoint(BoardInterface.eventEndpoint, .interrupt, 16, burst: 0, speed)
            + endpoint(BoardInterface.arrayEndpoint, .bulk, packet, burst: 0, speed)
        let interface: [UInt8] =
            [
                9, 4,  // bLength, bDescriptorType
                0, 0, 3,  // number, alternate setting, endpoints
                BoardInterface.interfaceClass, BoardInterface.interfaceSubclass, majorVersion,
                0,  // iInterface
            ] + endpoints
        let total = UInt16(9 + interface.count)
        // The unit of the current is 8 mA for SuperSpeed and 2 mA for high speed; both are 500 mA or less.
        let power: UInt8 = speed == .superSpeed ? 62 : 250
        return [9, 2, low(total), high(total), 1, 1, 0, 0x80, power] + interface
    }

    private enum EndpointKind: UInt8 {
        case bulk = 2
        case interrupt = 3
    }

    private static func endpoint(
        _ address: UInt8, _ kind: EndpointKind, _ packet: UInt16, burst: UInt8, _ speed: USBSpeed
    ) -> [UInt8] {
        // 2^(8-1) microframes: 16 ms.
        let interval: UInt8 = kind == .interrupt ? 8 : 0
        let descriptor = [7, 5, address, kind.rawValue, low(packet), high(packet), interval]
        guard speed == .superSpeed else { return descriptor }
        let perInterval: UInt8 = kind == .interrupt ? 16 : 0
        return descriptor + [6, 0x30, burst, 0, perInterval, 0]
    }

    /// A USB 2.0 extension without link power management, and SuperSpeed: high speed and 5 Gbit/s.
    private static let superSpeedObjectStore: [UInt8] =
        [5, 15, 22, 0, 2]
        + [7, 16, 2, 0, 0, 0, 0]
        + [10, 16, 3, 0, 0x0C, 0, 2, 10, 0xFF, 0x07]

    private static func low(_ value: UInt16) -> UInt8 { UInt8(truncatingIfNeeded: value) }
    private static func high(_ value: UInt16) -> UInt8 { UInt8(truncatingIfNeeded: value >> 8) }
}

// SPDX-License-Identifier: Apache-2.0

/// What a USB device is and does, without the cable: what a port asks of it.
///
/// A port is one of the ways to show the function to a program or a kernel as if it were plugged in. It
/// calls from one thread, one call at a time. Calls return at once: what takes time answers `notYet`.
package protocol USBFunction: AnyObject, Sendable {
    var identity: USBIdentity { get }

    /// A class or vendor request on endpoint 0; the port answers the standard ones from the identity.
    ///
    /// - Parameter data: the data stage. For a request to the device its `length` bytes, for one from the
    ///   device room for as many.
    /// - Returns: `done` with how many bytes were put into `data`, 0 for a request to the device.
    func control(_ setup: USBSetup, data: UnsafeMutableRawBufferPointer) -> USBOutcome

    /// The host wants to read from a bulk or interrupt endpoint.
    ///
    /// - Parameters:
    ///   - endpoint: with the direction bit, as 0x81.
    ///   - buffer: room for a whole transfer. `done` with fewer bytes ends it short.
    func read(endpoint: UInt8, into buffer: UnsafeMutableRawBufferPointer) -> USBOutcome

    /// The host writes to a bulk endpoint.
    func write(endpoint: UInt8, _ bytes: UnsafeRawBufferPointer) -> USBOutcome

    /// The host cleared the halt of an endpoint.
    func clearHalt(endpoint: UInt8)

    /// It was plugged in, or the host set the configuration or reset the port: everything starts over.
    func reset()
}

/// The eight bytes that begin a control request.
package struct USBSetup: Sendable, Equatable {
    package let requestType: UInt8
    package let request: UInt8
    package let value: UInt16
    package let index: UInt16
    package let length: UInt16

    package init(
        requestType: UInt8, request: UInt8, value: UInt16, index: UInt16, length: UInt16
    ) {
        self.requestType = requestType
        self.request = request
        self.value = value
        self.index = index
        self.length = length
    }

    package var isFromDevice: Bool { requestType & 0x80 != 0 }
}

/// What came of a transfer.
package enum USBOutcome: Sendable, Equatable {
    case done(Int)
    /// The device answers NAK. The port asks again, a millisecond later or so, until the host gives up.
    case notYet
    case failed(USBFailure)
}

/// How a transfer fails; the numbers are what Linux gives as the status of a URB, without the sign.
package enum USBFailure: Int32, Sendable, CaseIterable {
    /// The endpoint is halted, or the request is refused.
    case stall = 32  // EPIPE
    /// The device does not answer, or answers nonsense on the bus.
    case protocolError = 71  // EPROTO
    /// A checksum of the bus does not hold.
    case checksum = 84  // EILSEQ
    /// The device sent more than was asked for.
    case overflow = 75  // EOVERFLOW
    /// The device is gone.
    case gone = 108  // ESHUTDOWN
}

/// How fast a device is on the bus.
package enum USBSpeed: Sendable, CaseIterable {
    /// 480 Mbit/s
    case high
    /// 5 Gbit/s
    case superSpeed
}

/// What a device says when it is enumerated.
package struct USBIdentity: Sendable, Equatable {
    package let speed: USBSpeed
    /// The device descriptor: 18 bytes.
    package let device: [UInt8]
    /// The only configuration: its descriptor with those of its interface and endpoints.
    package let configuration: [UInt8]
    /// The binary object store that SuperSpeed devices have; empty when there is none.
    package let objectStore: [UInt8]
    /// The strings by their index, from 1 on, all in US English.
    package let strings: [String]

    package init(
        speed: USBSpeed, device: [UInt8], configuration: [UInt8], objectStore: [UInt8] = [],
        strings: [String]
    ) {
        self.speed = speed
        self.device = device
        self.configuration = configuration
        self.objectStore = objectStore
        self.strings = strings
    }
}

// SPDX-License-Identifier: Apache-2.0

import CUsbfsEmulation
import Synchronization

/// A USB that is not there, for programs that run as `UMOCKDEV_DIR=<directory> umockdev-wrapper …`.
///
/// Programs have to be ended before the bus is released: umockdev aborts those that are not. Any thread.
package final class EmulatedBus: USBBus, @unchecked Sendable {
    private let bus: OpaquePointer
    /// Programs go on asking a device that was pulled out.
    private let devices = Mutex<[Kept]>([])

    private struct Kept: @unchecked Sendable { let device: PluggedDevice }

    package init() throws(PortError) {
        guard let bus = ue_bus_start() else {
            throw PortError("run this under umockdev-wrapper")
        }
        self.bus = bus
    }

    deinit { ue_bus_stop(bus) }

    package var directory: String { String(cString: ue_bus_directory(bus)) }

    /// - Parameter place: bus 1 and ports, as "1-2.3".
    package func plug(
        _ function: any USBFunction, place: String
    ) throws(PortError) -> any USBPort {
        let device = PluggedDevice(function)
        let kept = Kept(device: device)
        devices.withLock { $0.append(kept) }
        return try EmulatedPort(device, place: place, on: bus, of: self)
    }
}

/// A device on an emulated bus.
private final class EmulatedPort: USBPort, @unchecked Sendable {
    private let bus: EmulatedBus
    /// One call at a time: the bus sees to it.
    private let device: PluggedDevice
    private let port: Mutex<Plugged?>

    private struct Plugged: @unchecked Sendable { let raw: OpaquePointer }

    init(
        _ device: PluggedDevice, place: String, on raw: OpaquePointer, of bus: EmulatedBus
    ) throws(PortError) {
        self.bus = bus
        self.device = device
        let port = Self.plug(device, place: place, on: raw)
        guard let port else { throw PortError("umockdev does not take a device at \(place)") }
        self.port = Mutex(Plugged(raw: port))
    }

    deinit { unplug() }

    func unplug() {
        let plugged = port.withLock { $0.take() }
        if let plugged { ue_unplug(plugged.raw) }
    }

    private static func plug(
        _ device: PluggedDevice, place: String, on bus: OpaquePointer
    ) -> OpaquePointer? {
        let identity = device.function.identity
        let texts = [
            place, identity.speed == .superSpeed ? "5000" : "480", identity.strings[0],
            identity.strings[1], identity.strings[2],
        ]
        var function = ue_function(
            context: Unmanaged.passUnretained(device).toOpaque(), control: control, read: read,
            write: write, clear_halt: clearHalt, reset: reset)
        return withCStrings(texts) { texts in
            identity.device.withUnsafeBufferPointer { descriptor in
                identity.configuration.withUnsafeBufferPointer { configuration in
                    var raw = ue_identity(
                        place: texts[0], speed: texts[1], manufacturer: texts[2],
                        product: texts[3], serial: texts[4], device: descriptor.baseAddress,
                        configuration: configuration.baseAddress,
                        configuration_length: configuration.count)
                    return ue_plug(bus, &raw, &function)
                }
            }
        }
    }
}

private func withCStrings<Result>(
    _ texts: [String], _ body: ([UnsafePointer<CChar>]) -> Result
) -> Result {
    func next(_ pointers: [UnsafePointer<CChar>]) -> Result {
        guard pointers.count < texts.count else { return body(pointers) }
        return texts[pointers.count].withCString { next(pointers + [$0]) }
    }
    return next([])
}

// MARK: What the bus calls

private func device(_ context: UnsafeMutableRawPointer?) -> PluggedDevice {
    guard let context else { preconditionFailure("the bus keeps its context") }
    return Unmanaged<PluggedDevice>.fromOpaque(context).takeUnretainedValue()
}

extension USBOutcome {
    /// As usbfs and USB/IP tell it: a number of bytes, or the negative errno of a failure.
    fileprivate var result: Int32 {
        switch self {
        case .done(let count): Int32(count)
        case .notYet: Int32(UE_NOT_YET)
        case .failed(let failure): -failure.rawValue
        }
    }
}

private let control:
    @convention(c) (
        UnsafeMutableRawPointer?, UnsafePointer<UInt8>?, UnsafeMutablePointer<UInt8>?, Int
    ) -> Int32 = { context, setup, data, length in
        let setup = USBSetup(parsing: UnsafeRawBufferPointer(start: setup, count: 8))
        let stage = UnsafeMutableRawBufferPointer(
            start: data, count: min(length, Int(setup.length)))
        return device(context).control(setup, data: stage).result
    }

private let read: @convention(c) (UnsafeMutableRawPointer?, UInt8, UnsafeMutablePointer<UInt8>?, Int) -> Int32 = {
    context, endpoint, data, room in
    let buffer = UnsafeMutableRawBufferPointer(start: data, count: room)
    return device(context).read(endpoint: endpoint, into: buffer).result
}

private let write: @convention(c) (UnsafeMutableRawPointer?, UInt8, UnsafePointer<UInt8>?, Int) -> Int32 = {
    context, endpoint, data, length in
    let bytes = UnsafeRawBufferPointer(start: data, count: length)
    return device(context).write(endpoint: endpoint, bytes).result
}

private let clearHalt: @convention(c) (UnsafeMutableRawPointer?, UInt8) -> Void = {
    device($0).clearHalt(endpoint: $1)
}

private let reset: @convention(c) (UnsafeMutableRawPointer?) -> Void = { device($0).reset() }

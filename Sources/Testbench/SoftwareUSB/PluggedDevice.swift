// SPDX-License-Identifier: Apache-2.0

/// A function while it is plugged in: what of USB is the same for every device, whatever the port.
///
/// Not thread-safe: a port makes one call at a time.
package final class PluggedDevice {
    private enum StandardRequest: UInt8 {
        case getStatus = 0
        case clearFeature = 1
        case setFeature = 3
        case setAddress = 5
        case getDescriptor = 6
        case getConfiguration = 8
        case setConfiguration = 9
        case getInterface = 10
        case setInterface = 11
        /// SuperSpeed: latencies, which nothing here depends on.
        case setSystemExitLatency = 48
        case setIsochronousDelay = 49
    }

    private enum DescriptorKind: UInt8 {
        case device = 1
        case configuration = 2
        case string = 3
        case objectStore = 15
    }

    let function: any USBFunction
    private var configuration: UInt8 = 0
    private var halted: Set<UInt8> = []

    /// The feature ENDPOINT_HALT.
    private static let endpointHalt: UInt16 = 0
    /// US English, in which all strings are.
    private static let language: [UInt8] = [0x09, 0x04]

    /// Powers a function up, in its initial state.
    package init(_ function: any USBFunction) {
        self.function = function
        function.reset()
    }

    /// Any request on endpoint 0.
    ///
    /// - Parameter data: as for `USBFunction.control`.
    package func control(_ setup: USBSetup, data: UnsafeMutableRawBufferPointer) -> USBOutcome {
        // Bits 5 and 6 are the type, and 0 is standard.
        guard setup.requestType & 0x60 == 0 else { return function.control(setup, data: data) }
        guard let answer = standard(setup) else { return .failed(.stall) }
        let sent = answer.prefix(min(data.count, Int(setup.length)))
        data.copyBytes(from: sent)
        return .done(sent.count)
    }

    package func read(endpoint: UInt8, into buffer: UnsafeMutableRawBufferPointer) -> USBOutcome {
        if halted.contains(endpoint) { return .failed(.stall) }
        return halting(endpoint, function.read(endpoint: endpoint, into: buffer))
    }

    package func write(endpoint: UInt8, _ bytes: UnsafeRawBufferPointer) -> USBOutcome {
        if halted.contains(endpoint) { return .failed(.stall) }
        return halting(endpoint, function.write(endpoint: endpoint, bytes))
    }

    package func clearHalt(endpoint: UInt8) {
        halted.remove(endpoint)
        function.clearHalt(endpoint: endpoint)
    }

    package func reset() {
        halted = []
        function.reset()
    }

    private func halting(_ endpoint: UInt8, _ outcome: USBOutcome) -> USBOutcome {
        if outcome == .failed(.stall) { halted.insert(endpoint) }
        return outcome
    }

    // MARK: Standard requests

    /// - Returns: the data stage of an answer; nil for a request that is refused.
    private func standard(_ setup: USBSetup) -> [UInt8]? {
        let endpoint = UInt8(truncatingIfNeeded: setup.index)
        switch StandardRequest(rawValue: setup.request) {
        case .getStatus:
            return [setup.requestType & 0x1F == 2 && halted.contains(endpoint) ? 1 : 0, 0]
        case .clearFeature:
            if setup.requestType & 0x1F == 2, setup.value == Self.endpointHalt {
                clearHalt(endpoint: endpoint)
            }
            return []
        case .getDescriptor:
            return descriptor(setup)
        case .getConfiguration:
            return [configuration]
        case .setConfiguration:
            configuration = UInt8(truncatingIfNeeded: setup.value)
            reset()
            return []
        case .getInterface:
            return [0]
        case .setFeature, .setAddress, .setInterface, .setSystemExitLatency, .setIsochronousDelay:
            return []
        case nil:
            return nil
        }
    }

    private func descriptor(_ setup: USBSetup) -> [UInt8]? {
        let identity = function.identity
        let index = Int(setup.value & 0xFF)
        switch DescriptorKind(rawValue: UInt8(setup.value >> 8)) {
        case .device: return identity.device
        case .configuration: return identity.configuration
        case .objectStore: return identity.objectStore.isEmpty ? nil : identity.objectStore
        case .string where index == 0: return [4, DescriptorKind.string.rawValue] + Self.language
        case .string where index <= identity.strings.count:
            let units = identity.strings[index - 1].utf16.prefix(126)
            let text = units.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
            return [UInt8(2 + text.count), DescriptorKind.string.rawValue] + text
        case .string, nil: return nil
        }
    }
}

extension USBSetup {
    /// - Parameter bytes: eight, as on the bus.
    init(parsing bytes: UnsafeRawBufferPointer) {
        func word(_ at: Int) -> UInt16 { UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8 }
        self.init(
            requestType: bytes[0], request: bytes[1], value: word(2), index: word(4),
            length: word(6))
    }
}

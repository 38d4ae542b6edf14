// SPDX-License-Identifier: Apache-2.0

import SoftwareUSB
import Testing

@Suite(
    "A device that is plugged in: standard requests and halts")
struct PluggedDeviceTests {
    private let function = ScriptedFunction()

    private func ask(
        _ type: UInt8, _ request: UInt8, value: UInt16 = 0, index: UInt16 = 0, length: Int,
        of device: PluggedDevice
    ) -> (USBOutcome, [UInt8]) {
        var data = [UInt8](repeating: 0xEE, count: length)
        let setup = USBSetup(
            requestType: type, request: request, value: value, index: index, length: UInt16(length))
        let outcome = data.withUnsafeMutableBytes { device.control(setup, data: $0) }
        guard case .done(let count) = outcome else { return (outcome, []) }
        return (outcome, Array(data.prefix(count)))
    }

    @Test(
        "Descriptors are told, as far as the host asks",
        arguments: [
            (0x0100, 64, [UInt8](0..<18)), (0x0100, 8, [UInt8](0..<8)),
            (0x0200, 9, [9, 2, 9, 0, 1, 1, 0, 0x80, 1]), (0x0300, 255, [4, 3, 9, 4]),
            (0x0303, 255, [6, 3, 0xC4, 0, 0xD6, 0]), (0x0303, 2, [6, 3]),
        ] as [(UInt16, Int, [UInt8])])
    func descriptors(value: UInt16, length: Int, expected: [UInt8]) {
        let answer = ask(0x80, 6, value: value, length: length, of: PluggedDevice(function))
        #expect(answer.1 == expected)
    }

    @Test("What is not there is refused", arguments: [0x0304, 0x0F00, 0x0600, 0x7700] as [UInt16])
    func missing(value: UInt16) {
        let answer = ask(0x80, 6, value: value, length: 18, of: PluggedDevice(function))
        #expect(answer.0 == .failed(.stall))
        #expect(ask(0x80, 99, length: 2, of: PluggedDevice(function)).0 == .failed(.stall))
    }

    @Test("An endpoint that stalled stays halted until that is cleared")
    func halts() {
        let device = PluggedDevice(function)
        func read() -> USBOutcome {
            withUnsafeTemporaryAllocation(byteCount: 8, alignment: 8) {
                device.read(endpoint: 0x81, into: $0)
            }
        }
        function.answer(.failed(.stall))
        #expect(read() == .failed(.stall))
        function.answer(.done(8))
        #expect(read() == .failed(.stall))
        #expect(ask(0x82, 0, index: 0x81, length: 2, of: device).1 == [1, 0])
        #expect(ask(0x02, 1, index: 0x81, length: 0, of: device).0 == .done(0))
        #expect(ask(0x82, 0, index: 0x81, length: 2, of: device).1 == [0, 0])
        #expect(read() == .done(8))
    }

    @Test("A configuration that is set is told, and resets the function as a plug does")
    func configuration() {
        let device = PluggedDevice(function)
        #expect(function.resets == 1)
        #expect(ask(0x80, 8, length: 1, of: device).1 == [0])
        #expect(ask(0x00, 9, value: 1, length: 0, of: device).0 == .done(0))
        #expect(ask(0x80, 8, length: 1, of: device).1 == [1])
        #expect(function.resets == 2)
    }

    @Test("Requests of the vendor are the function's")
    func vendor() {
        function.answer(.done(3))
        #expect(
            ask(0xC1, 6, value: 0x0100, length: 8, of: PluggedDevice(function)).1 == [
                0xEE, 0xEE, 0xEE,
            ])
    }
}

@Suite(
    "Messages of the virtual controller: also hostile ones")
struct MessageTests {
    private static func parse(_ bytes: [UInt8]) throws -> USBIPCommand {
        try bytes.withUnsafeBytes { try USBIPCommand(parsing: $0) }
    }

    @Test("A transfer is read")
    func submit() throws {
        let bytes = usbipMessage(
            [1, 7, 0x10001, 1, 0, 0, 64], setup: [0xC1, 1, 2, 3, 4, 5, 64, 0])
        let setup = USBSetup(
            requestType: 0xC1, request: 1, value: 0x0302, index: 0x0504, length: 64)
        guard case .submit(let transfer) = try Self.parse(bytes) else {
            Issue.record("no transfer")
            return
        }
        #expect(transfer.sequence == 7 && transfer.length == 64 && transfer.isFromDevice)
        #expect(transfer.setup == setup && transfer.address == 0)
        let bulk = try Self.parse(usbipMessage([1, 8, 0x10001, 1, 1, 0, 65536]))
        guard case .submit(let stream) = bulk else {
            Issue.record("no transfer")
            return
        }
        #expect(stream.address == 0x81)
    }

    @Test("An unlink is read")
    func unlink() throws {
        #expect(
            try Self.parse(usbipMessage([2, 9, 0, 0, 0, 7])) == .unlink(sequence: 9, victim: 7))
    }

    @Test(
        "What makes no sense is refused",
        arguments: [
            [0, 1], [3, 1], [0xFFFF_FFFF, 1], [1, 1, 0, 1, 1, 0, 0xFFFF_FFFF],
            [1, 1, 0, 0, 1, 0, (4 << 20) + 1], [1, 1, 0, 1, 16, 0, 8],
            [1, 1, 0, 1, 0, 0, 8],
        ] as [[UInt32]])
    func refused(words: [UInt32]) {
        let bytes = usbipMessage(words)
        #expect(throws: USBIPCommand.Defect.self) { try Self.parse(bytes) }
    }

    @Test("Replies have 48 bytes, with the status where the kernel looks for it")
    func replies() {
        let submitted = USBIPReply.submitted(sequence: 7, status: -32, length: 5).bytes
        #expect(submitted == usbipMessage([3, 7, 0, 0, 0, UInt32(bitPattern: -32), 5]))
        let unlinked = USBIPReply.unlinked(sequence: 9, status: -104).bytes
        #expect(unlinked == usbipMessage([4, 9, 0, 0, 0, UInt32(bitPattern: -104)]))
    }
}

// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import SoftwareUSB
import TestSupport
import Testing

/// A message of 48 bytes: words, big-endian, zeros, and the eight bytes of a control request.
func usbipMessage(
    _ words: [UInt32], setup: [UInt8] = [UInt8](repeating: 0, count: 8)
) -> [UInt8] {
    let all = words + [UInt32](repeating: 0, count: 10 - words.count)
    return all.flatMap { word in withUnsafeBytes(of: word.bigEndian) { Array($0) } } + setup
}

/// A port whose kernel is the test.
private final class KernelSide {
    let function = ScriptedFunction()
    private let socket: Descriptor
    private var port: VirtualPort?

    init() throws {
        var pair: [Int32] = [-1, -1]
        try system("make a pair") { socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) }
        let ours = Descriptor(owning: pair[0])
        socket = ours
        // What the kernel does when it is told to detach.
        port = try VirtualPort(PluggedDevice(function), socket: Descriptor(owning: pair[1])) {
            shutdown(ours.raw, Int32(SHUT_RDWR))
        }
        // A port that says nothing fails the test instead of holding it up.
        var limit = timeval(tv_sec: Int(patience) / 1000, tv_usec: 0)
        setsockopt(ours.raw, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    /// Asks for so many bytes from endpoint 1, or sends some to endpoint 3.
    func submit(_ sequence: UInt32, from count: UInt32) throws {
        try send(usbipMessage([1, sequence, 0, 1, 1, 0, count]))
    }

    func submit(_ sequence: UInt32, to bytes: [UInt8]) throws {
        try send(usbipMessage([1, sequence, 0, 0, 3, 0, UInt32(bytes.count)]) + bytes)
    }

    func unlink(_ sequence: UInt32, _ victim: UInt32) throws {
        try send(usbipMessage([2, sequence, 0, 0, 0, victim]))
    }

    func send(_ bytes: [UInt8]) throws {
        try system("send") { Glibc.send(socket.raw, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }
    }

    /// The next so many bytes; fewer at the end.
    func receive(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let got = recv(socket.raw, &bytes, count, Int32(MSG_WAITALL))
        return Array(bytes.prefix(max(0, got)))
    }

    func unplug() { port?.unplug() }
}

@Suite(
    "A port of the virtual controller: transfers, stalls, unlinks and hostile messages, without a kernel"
)
struct VirtualPortTests {
    private let kernel: KernelSide

    init() throws { kernel = try KernelSide() }

    @Test("A transfer that the device has no answer to yet is answered when it has")
    func later() throws {
        kernel.function.answer(.notYet, .notYet, .notYet, .done(4))
        try kernel.submit(1, from: 64)
        #expect(kernel.receive(48) == usbipMessage([3, 1, 0, 0, 0, 0, 4]))
        #expect(kernel.receive(4) == [0x5A, 0x5A, 0x5A, 0x5A])
    }

    @Test("Transfers of an endpoint come back in their order, those to the device with their bytes")
    func order() throws {
        kernel.function.answer(.notYet)
        for sequence in 1...3 as ClosedRange<UInt32> { try kernel.submit(sequence, from: 2) }
        kernel.function.answer(.done(2))
        for sequence in 1...3 as ClosedRange<UInt32> {
            #expect(kernel.receive(48) == usbipMessage([3, sequence, 0, 0, 0, 0, 2]))
            #expect(kernel.receive(2) == [0x5A, 0x5A])
        }
        try kernel.submit(4, to: [1, 2, 3])
        #expect(kernel.receive(48) == usbipMessage([3, 4, 0, 0, 0, 0, 3]))
        #expect(kernel.function.written == [1, 2, 3])
    }

    @Test("A failure is told, and halts the endpoint if it is a stall")
    func failures() throws {
        kernel.function.answer(.failed(.overflow), .failed(.stall), .done(2))
        let overflow = UInt32(bitPattern: -USBFailure.overflow.rawValue)
        let stall = UInt32(bitPattern: -USBFailure.stall.rawValue)
        for (sequence, status) in [(1, overflow), (2, stall), (3, stall)] as [(UInt32, UInt32)] {
            try kernel.submit(sequence, from: 2)
            #expect(kernel.receive(48) == usbipMessage([3, sequence, 0, 0, 0, status]))
        }
    }

    @Test("A transfer that waits is taken back, one that is over is not")
    func unlink() throws {
        kernel.function.answer(.notYet)
        try kernel.submit(1, from: 2)
        try kernel.unlink(2, 1)
        #expect(
            kernel.receive(48) == usbipMessage([4, 2, 0, 0, 0, UInt32(bitPattern: -ECONNRESET)]))
        try kernel.unlink(3, 1)
        #expect(kernel.receive(48) == usbipMessage([4, 3]))
    }

    @Test("More than was asked for is not sent")
    func clamp() throws {
        kernel.function.answer(.done(1000))
        try kernel.submit(1, from: 2)
        #expect(kernel.receive(48) == usbipMessage([3, 1, 0, 0, 0, 0, 2]))
        #expect(kernel.receive(2).count == 2)
        try kernel.submit(2, from: 1)
        #expect(kernel.receive(48) == usbipMessage([3, 2, 0, 0, 0, 0, 1]))
    }

    @Test("What makes no sense ends it, and so does a pull", arguments: [true, false])
    func end(isNonsense: Bool) throws {
        if isNonsense {
            try kernel.send([UInt8](repeating: 0xFF, count: 48))
        }
        kernel.unplug()
        #expect(kernel.receive(48).isEmpty)
    }
}

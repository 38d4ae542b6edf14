// SPDX-License-Identifier: Apache-2.0

import CTestSupport
import Glibc
import LinuxPlatform
import TestSupport
import Testing

@Suite(
    "Descriptors passed through a socket: at most one, close-on-exec, none left open")
struct DescriptorPassingTests {
    private let file: PassedFile
    private let near: Descriptor
    private let far: Descriptor

    init() throws {
        var ends: [Int32] = [-1, -1]
        try system("make sockets") { socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) }
        (near, far) = (Descriptor(owning: ends[0]), Descriptor(owning: ends[1]))
        file = try PassedFile()
    }

    private func receiveOnce() -> (transfer: Transfer, descriptor: Descriptor?) {
        var buffer = [UInt8](repeating: 0, count: 100)
        return buffer.withUnsafeMutableBytes { receive(into: $0, from: far) }
    }

    private func expectNoDescriptor(after transfer: Transfer) {
        let received = receiveOnce()
        #expect(received.transfer == transfer)
        #expect(received.descriptor == nil)
    }

    @Test("arrive with the bytes, close-on-exec, and are closed by their last owner")
    func arrives() {
        let bytes: [UInt8] = [1, 2, 3]
        let sent = bytes.withUnsafeBytes { send($0, with: file.descriptor, to: near) }
        #expect(sent == .moved(3))
        do {
            let received = receiveOnce()
            #expect(received.transfer == .moved(3))
            #expect(file.openCount == 2)
            #expect(fcntl(received.descriptor?.raw ?? -1, F_GETFD) == FD_CLOEXEC)
        }
        #expect(eventually { file.openCount == 1 })
    }

    @Test("are not there when there is none, nothing to receive, or nobody")
    func none() throws {
        expectNoDescriptor(after: .wouldBlock)
        var byte: UInt8 = 1
        try system("write") { write(near.raw, &byte, 1) }
        expectNoDescriptor(after: .moved(1))
        shutdown(near.raw, Int32(SHUT_RDWR))
        expectNoDescriptor(after: .ended)
        let sent = [UInt8](1...3).withUnsafeBytes { send($0, with: file.descriptor, to: near) }
        #expect(sent == .ended)
    }

    @Test("are one at most: the others are closed", arguments: [2, 3, 4, 253] as [Int32])
    func onlyOne(copies: Int32) {
        #expect(ctestsupport_send_copies(near.raw, "x", 1, file.descriptor.raw, copies) == 1)
        do {
            let received = receiveOnce()
            #expect(received.transfer == .moved(1))
            #expect(received.descriptor != nil)
            #expect(eventually { file.openCount == 2 })
        }
        #expect(eventually { file.openCount == 1 })
    }

    // The close of each would wait for an hour. (That of the copy here, which is not the last one, does not wait.)
    @Test("keep nobody waiting, however long their close takes: received, in the way of bytes, or never taken")
    func lingering() throws {
        for _ in 0..<3 {
            let socket = try LingeringSocket(seconds: 3600)
            #expect(socket.pass(to: near.raw) { ctestsupport_send_copies($0, "x", 1, $1, $2) })
            _ = receiveOnce()
        }
        let unwanted = try LingeringSocket(seconds: 3600)
        #expect(unwanted.pass(to: near.raw, copies: 200) { ctestsupport_send_copies($0, "x", 1, $1, $2) })
        var byte: UInt8 = 0
        let received = withUnsafeMutableBytes(of: &byte) { SocketCalls.system.receive(into: $0, from: far) }
        #expect(received == .moved(1))
        let inside = try LingeringSocket(seconds: 3600)
        var ends: [Int32] = [-1, -1]
        try system("make sockets") { socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) }
        #expect(inside.pass(to: ends[0]) { ctestsupport_send_copies($0, "x", 1, $1, $2) })
        close(ends[0])
        do { _ = Descriptor(ofClient: ends[1]) }
        // What is closed after all of them is closed soon.
        do { _ = Descriptor(ofClient: dup(file.descriptor.raw)) }
        #expect(eventually { file.openCount == 1 })
    }
}

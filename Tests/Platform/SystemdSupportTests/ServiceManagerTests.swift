// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import SystemdSupport
import TestSupport
import Testing

@Suite("Messages to the service manager: in order, none lost to a manager that does not read, and never a wait")
struct ServiceManagerMessageTests {
    private let directory = TemporaryDirectory()
    private var path: String { directory.file("notify") }

    @Test("A manager that reads hears each message at once, and no status twice")
    func reads() throws {
        let end = try DatagramSocket(path: path)
        var manager = ServiceManager(path: path)
        manager.tellReady(status: "a\nREADY=0")
        manager.tell(status: "a\nREADY=0")
        manager.tell(status: "b")
        manager.tellAlive()
        manager.tellStopping()
        #expect(manager.flush() == nil)
        #expect(end.next() == "READY=1\nSTATUS=a READY=0")
        #expect(end.next() == "STATUS=b")
        #expect(end.next() == "WATCHDOG=1")
        #expect(end.next() == "STOPPING=1\nSTATUS=stopping")
        #expect(end.next() == nil)
    }

    @Test("A manager that does not read hears the last message of each kind later, in their order")
    func doesNotRead() throws {
        let end = try DatagramSocket(path: path)
        var manager = ServiceManager(path: path)
        let fillers = try end.fill()
        manager.tellReady(status: "a")
        for number in 0..<10_000 {
            manager.tellReloading()
            manager.tellReady(status: "ready \(number)")
            manager.tell(status: "status \(number)")
            manager.tellAlive()
        }
        #expect(manager.flush() ?? 0 > 0)
        for _ in 0..<fillers { #expect(end.next() == DatagramSocket.filler) }
        while manager.flush() != nil {}
        #expect(end.next()?.hasPrefix("RELOADING=1") == true)
        #expect(end.next() == "READY=1\nSTATUS=ready 9999")
        #expect(end.next() == "STATUS=status 9999")
        #expect(end.next() == "WATCHDOG=1")
        #expect(end.next() == nil)
    }

    @Test("A manager that is not there, or has gone, is no error", arguments: [true, false])
    func absent(isNamed: Bool) {
        var manager = ServiceManager(path: isNamed ? path : nil)
        manager.tellReady(status: "a")
        manager.tellAlive()
        #expect(manager.flush() == nil)
    }

    @Test("A manager can be at an abstract name")
    func abstract() throws {
        let name = "metrng-test-\(getpid())"
        let socket = Descriptor(
            owning: try system("make a socket") {
                Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
            })
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0[1...].copyBytes(from: Array(name.utf8)) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + 1 + name.utf8.count)
        try system("bind to", name) {
            withUnsafePointer(to: &address) { address in
                address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(socket.raw, $0, length)
                }
            }
        }
        var manager = ServiceManager(path: "@\(name)")
        manager.tellAlive()
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = recv(socket.raw, &bytes, bytes.count, Int32(MSG_DONTWAIT))
        #expect(bytes.prefix(max(0, count)) == Array("WATCHDOG=1".utf8)[...])
    }
}

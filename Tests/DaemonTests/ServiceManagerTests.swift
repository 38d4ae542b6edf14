// SPDX-License-Identifier: Apache-2.0

import EntropyClient
import Foundation
import Glibc
import Testing

/// The end of a service manager: a datagram socket.
private final class Manager {
    let path: String
    private let socket: Int32

    init(_ directory: SocketDirectory) throws {
        path = "\(directory.path)/notify"
        socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let isBound = withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        try #require(isBound)
        // A daemon that tells nothing fails the test instead of holding it up.
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(socket) }

    /// The next message, as lines; none when nothing came.
    func next() -> [String] {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = max(0, recv(socket, &buffer, buffer.count, 0))
        return String(decoding: buffer[..<count], as: UTF8.self).split(separator: "\n").map(
            String.init)
    }

    /// Whether a message comes that has a line for each of these beginnings.
    func hears(_ beginnings: String...) -> Bool {
        while true {
            let message = next()
            if message.isEmpty { return false }
            if beginnings.allSatisfy({ start in message.contains { $0.hasPrefix(start) } }) {
                return true
            }
        }
    }
}

@Suite("What the service manager is told")
struct ServiceManagerTests {
    @Test("It is told when requests are answered, what is served, of a reload, and of the stop")
    func life() throws {
        let directory = SocketDirectory()
        let manager = try Manager(directory)
        let daemon = try DaemonProcess(
            directory: directory, wrapper: ["/usr/bin/env", "NOTIFY_SOCKET=\(manager.path)"])
        #expect(manager.hears("READY=1"))
        _ = try daemon.connect().read(count: 32)
        #expect(manager.hears("STATUS=array0 serves simulated bits"))
        daemon.send(SIGHUP)
        #expect(manager.hears("RELOADING=1"))
        #expect(manager.hears("READY=1", "STATUS=array0 serves simulated bits"))
        daemon.send(SIGTERM)
        #expect(manager.hears("STOPPING=1"))
        #expect(daemon.waitForExit() == 0)
    }

    @Test(
        "Its watchdog is told that the daemon lives, again and again, also when it has nothing to do"
    )
    func watchdog() throws {
        let directory = SocketDirectory()
        let manager = try Manager(directory)
        let daemon = try DaemonProcess(
            directory: directory,
            wrapper: [
                "/usr/bin/env", "NOTIFY_SOCKET=\(manager.path)", "WATCHDOG_USEC=200000",
            ])
        for _ in 0..<5 { #expect(manager.hears("WATCHDOG=1")) }
        #expect(daemon.stop() == 0)
    }

    @Test("It is told for whom the daemon works, as clients come and go")
    func clients() throws {
        let directory = SocketDirectory()
        let manager = try Manager(directory)
        let daemon = try DaemonProcess(
            directory: directory,
            wrapper: [
                "/usr/bin/env", "NOTIFY_SOCKET=\(manager.path)", "WATCHDOG_USEC=200000",
            ])
        #expect(manager.hears("STATUS=array0 serves simulated bits; nobody is connected"))
        var clients = [try daemon.connect()]
        #expect(manager.hears("STATUS=array0 serves simulated bits to 1 client"))
        clients.append(try daemon.connect())
        #expect(manager.hears("STATUS=array0 serves simulated bits to 2 clients"))
        clients.removeAll()
        #expect(manager.hears("STATUS=array0 serves simulated bits; nobody is connected"))
        #expect(daemon.stop() == 0)
    }

    @Test("It is ready without a board, and says why nothing is served")
    func noBoard() throws {
        let directory = SocketDirectory()
        let manager = try Manager(directory)
        let daemon = try DaemonProcess(
            "boards: [{name: tape, kind: replay, path: /nowhere}]", directory: directory,
            wrapper: ["/usr/bin/env", "NOTIFY_SOCKET=\(manager.path)"])
        let message = manager.next()
        #expect(message.first == "READY=1")
        #expect(message.last?.hasPrefix("STATUS=tape: the board is absent") == true, "\(message)")
        #expect(message.last?.hasSuffix("nothing is served") == true)
        #expect(daemon.stop() == 0)
    }
}

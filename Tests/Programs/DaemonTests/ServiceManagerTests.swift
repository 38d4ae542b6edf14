// SPDX-License-Identifier: Apache-2.0

import EntropyClient
import Foundation
import Glibc
import TestSupport
import Testing

/// The end of a service manager.
private final class Manager {
    let path: String
    private let socket: DatagramSocket

    init(_ directory: SocketDirectory) throws {
        path = "\(directory.path)/notify"
        socket = try DatagramSocket(path: path)
    }

    /// Sends itself messages until it has room for no other; the number of them.
    func fill() throws -> Int { try socket.fill() }

    /// The next message, as lines; none when nothing came. A daemon that tells nothing fails the test instead
    /// of holding it up.
    func next() -> [String] {
        (socket.next(milliseconds: patience) ?? "").split(separator: "\n").map(String.init)
    }

    /// A daemon that tells this manager how it is.
    ///
    /// - Parameter watchdog: the time in which it wants to hear of it, in microseconds; nil when it does not.
    func start(
        _ configuration: String? = nil, in directory: SocketDirectory, watchdog: Int? = nil
    ) throws -> DaemonProcess {
        let timeout = watchdog.map { ["WATCHDOG_USEC=\($0)"] } ?? []
        return try DaemonProcess(
            configuration, directory: directory,
            wrapper: ["/usr/bin/env", "NOTIFY_SOCKET=\(path)"] + timeout)
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

@Suite(
    "What the service manager is told: ready, status, reload, watchdog, stop")
struct ServiceManagerTests {
    @Test("It is told when requests are answered, what is served, of a reload, and of the stop")
    func life() throws {
        let directory = SocketDirectory()
        let manager = try Manager(directory)
        let daemon = try manager.start(in: directory)
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
        let daemon = try manager.start(in: directory, watchdog: 200_000)
        for _ in 0..<5 { #expect(manager.hears("WATCHDOG=1")) }
        #expect(daemon.stop() == 0)
    }

    @Test("It is told for whom the daemon works, as clients come and go")
    func clients() throws {
        let directory = SocketDirectory()
        let manager = try Manager(directory)
        let daemon = try manager.start(in: directory, watchdog: 200_000)
        #expect(manager.hears("STATUS=array0 serves simulated bits; no client is connected"))
        var clients = [try daemon.connect()]
        #expect(manager.hears("STATUS=array0 serves simulated bits to 1 client"))
        clients.append(try daemon.connect())
        #expect(manager.hears("STATUS=array0 serves simulated bits to 2 clients"))
        clients.removeAll()
        #expect(manager.hears("STATUS=array0 serves simulated bits; no client is connected"))
        #expect(daemon.stop() == 0)
    }

    @Test("A manager that does not read holds up neither clients nor the stop, and hears it all when it reads")
    func notReading() throws {
        let directory = SocketDirectory()
        let manager = try Manager(directory)
        let fillers = try manager.fill()
        #expect(fillers > 0)
        let daemon = try manager.start(in: directory, watchdog: 200_000)
        _ = try daemon.connect().read(count: 32)
        daemon.send(SIGHUP)
        #expect(daemon.tells("read the configuration again"))
        for _ in 0..<fillers { #expect(manager.next() == [DatagramSocket.filler]) }
        #expect(manager.hears("READY=1", "STATUS="))
        #expect(manager.hears("WATCHDOG=1"))
        #expect(try manager.fill() > 0)
        #expect(daemon.stop() == 0)
    }

    @Test("It is ready without a board, and says why nothing is served")
    func noBoard() throws {
        let directory = SocketDirectory()
        let manager = try Manager(directory)
        let daemon = try manager.start(
            "boards: [{name: tape, kind: replay, path: /nowhere}]", in: directory)
        let message = manager.next()
        #expect(message.first == "READY=1")
        #expect(message.last?.hasPrefix("STATUS=tape: the board is absent") == true, "\(message)")
        #expect(message.last?.hasSuffix("nothing is served") == true)
        #expect(daemon.stop() == 0)
    }
}

// SPDX-License-Identifier: Apache-2.0

import EntropyClient
import Foundation
import Glibc
import TestSupport
import Testing

@Suite(
    "Limits of open files: too low for a start, just enough, room for control, recovery when there are descriptors again",
    .serialized)
struct DescriptorTests {
    private static func limited(to limit: Int) -> [String] {
        ["/usr/bin/prlimit", "--nofile=\(limit):\(limit)"]
    }

    /// The number that the daemon's next descriptor will have.
    private static func nextDescriptor(_ daemon: DaemonProcess) throws -> Int {
        let names = try FileManager.default.contentsOfDirectory(
            atPath: "/proc/\(daemon.processID)/fd")
        let numbers = Set(names.compactMap { Int($0) })
        return (0...numbers.count).first { !numbers.contains($0) } ?? numbers.count
    }

    /// What `mectl status --json` says of the service.
    private static func service(_ daemon: DaemonProcess) throws -> [String: Any] {
        let outcome = try mectl("status", "--json", directory: daemon.directory)
        #expect(outcome.status == 0)
        let status = try JSONSerialization.jsonObject(with: outcome.output) as? [String: Any]
        return try #require(status?["service"] as? [String: Any])
    }

    @Test(
        "With a limit that is too low it ends with the reason and leaves nothing",
        arguments: [8, 12, 13, 14, 15, 16, 17, 20, 31])
    func tooFewForAStart(limit: Int) throws {
        let daemon = try DaemonProcess(wrapper: Self.limited(to: limit))
        #expect(daemon.waitForExit() == 1)
        #expect(daemon.logText.contains("raise"))
        #expect(daemon.logText.contains("open files"))
        #expect(!daemon.logText.contains("locked memory"))
        #expect(daemon.directory.contents == ["log"])
    }

    @Test("With the lowest limit that it takes, it serves a client on each socket")
    func justEnough() throws {
        let daemon = try DaemonProcess(wrapper: Self.limited(to: 32))
        #expect(try daemon.connect().read(count: 32).count == 32)
        #expect(try mectl("status", directory: daemon.directory).status == 0)
        #expect(daemon.stop() == 0)
    }

    @Test("However many clients draw bits, mectl and a reload get the descriptors they need")
    func roomForControl() throws {
        let daemon = try DaemonProcess("boards: [{name: a}]", wrapper: Self.limited(to: 80))
        #expect(daemon.tells("entropy.maximumClients is 256, but the limit of 80"))
        let clients = try (0..<100).map { _ in try RawClient(daemon.directory.entropy) }
        // The last to come is told at once that it is one too many.
        #expect(clients[99].receiveAll().prefix(2) == [1, 4])
        let service = try Self.service(daemon)
        let maximum = try #require(service["maximumClients"] as? Int)
        #expect((1..<80).contains(maximum))
        #expect(service["clients"] as? Int == maximum)
        daemon.send(SIGHUP)
        #expect(daemon.tells("read the configuration again"))
        #expect(!daemon.logText.contains("was not applied"))
        clients[0].send(readRequest(length: 32))
        #expect(clients[0].receive(atMost: 24).prefix(2) == [1, 0])
    }

    @Test("Busy clients do not keep others out once there are descriptors again")
    func acceptsAgain() throws {
        let daemon = try DaemonProcess()
        let busy = try (0..<12).map { _ in try BusyClient(daemon.directory.entropy) }
        // Not before the daemon has accepted them all.
        try #require(eventually { (try? Self.service(daemon)["clients"] as? Int) == 12 })
        let next = try Self.nextDescriptor(daemon)
        let process = "--pid=\(daemon.processID)"
        _ = try run("/usr/bin/prlimit", [process, "--nofile=\(next):"])
        let client = try RawClient(daemon.directory.entropy)
        // Time to find out that there is no descriptor for it.
        usleep(500_000)
        #expect(try Self.nextDescriptor(daemon) == next)
        _ = try run("/usr/bin/prlimit", [process, "--nofile=1024:"])
        client.send(readRequest(length: 32))
        #expect(client.receive(atMost: 24).prefix(2) == [1, 0])
        withExtendedLifetime(busy) {}
        #expect(daemon.stop() == 0)
    }
}

/// Asks for a byte at a time, without waiting for the answers, until it is let go of.
private final class BusyClient {
    private let client: RawClient

    init(_ path: String) throws {
        client = try RawClient(path)
        let shared = UncheckedClient(client: client)
        let requests = [[UInt8]](repeating: readRequest(length: 1, flags: 1), count: 1000)
        Thread.detachNewThread { while shared.client.send(Array(requests.joined())) {} }
        Thread.detachNewThread { while !shared.client.receive(atMost: 1 << 16).isEmpty {} }
        // Busy from now on.
        usleep(10_000)
    }

    deinit { client.hangUp() }
}

/// A client of which one thread sends and another one receives.
private struct UncheckedClient: @unchecked Sendable {
    let client: RawClient
}

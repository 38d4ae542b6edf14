// SPDX-License-Identifier: Apache-2.0

import EntropyClient
import Foundation
import Glibc
import LinuxPlatform
import Synchronization
import TestSupport
import Testing

@Suite(
    "A daemon whose configuration is read again and again: a thousand reloads while a client draws leave nothing behind"
)
struct ReloadTests {
    /// How often the log says that it was read.
    private static func reloads(_ daemon: DaemonProcess) -> Int {
        daemon.logText.components(separatedBy: "read the configuration again").count - 1
    }

    /// Lets the daemon read its configuration so often, each time when it has done so before.
    private static func reload(_ daemon: DaemonProcess, times: Int) throws {
        for _ in 0..<times {
            let before = reloads(daemon)
            daemon.send(SIGHUP)
            try #require(eventually { reloads(daemon) > before })
        }
    }

    @Test(
        "Goes on serving, and leaks no descriptor, thread or memory in a thousand times", .thorough)
    func thousand() throws {
        let daemon = try DaemonProcess("boards: [{name: array0, kind: simulated, lanes: 64}]")
        let isOver = Atomic(false)
        let path = daemon.directory.entropy
        let drawn = Atomic(0)
        let client = try WorkerThread(name: "client") {
            guard let connection = try? EntropyConnection(path: path, allowsSimulated: true) else {
                return
            }
            while !isOver.load(ordering: .relaxed),
                let bytes = try? connection.read(count: 4096)
            {
                drawn.add(bytes.count, ordering: .relaxed)
            }
        }
        try #require(eventually { drawn.load(ordering: .relaxed) > 0 })
        // Memory that is kept for the next time is there after some.
        try Self.reload(daemon, times: 50)
        let before = daemon.resources
        let drawnBefore = drawn.load(ordering: .relaxed)
        try Self.reload(daemon, times: 1000)
        let after = daemon.resources
        #expect(drawn.load(ordering: .relaxed) > drawnBefore)
        isOver.store(true, ordering: .relaxed)
        client.join()
        #expect(after.descriptors <= before.descriptors + 1, "a call may be under way")
        #expect(after.threads <= before.threads + 1)
        #expect(after.residentKibibytes - before.residentKibibytes < 2048)
        #expect(daemon.stop() == 0)
    }
}
